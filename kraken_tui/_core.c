/* The compiled core: a live book update from its bytes to the changed, proven book, in one call.
 *
 * It is a short cut and nothing else. It knows one spelling of one kind of frame, the one the exchange writes:
 *
 *   {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45283.5,"qty":0.10000000},...],
 *    "asks":[...],"checksum":3310070434,"timestamp":"2023-10-06T17:35:55.440295Z"}]}
 *
 * Whatever differs by a byte (other fields or another order, spaces, escapes, exponents, a number with other decimals
 * than the pair has or too long for an int64, two books in a frame, a book that is not steady) makes `update` return
 * None before anything has been changed, and Python reads the frame. So the meaning of every frame is defined once,
 * in wire/decode.py, wire/digits.py, wire/timestamps.py and market/book/l2.py; here is the same for the usual case, and
 * `python -m tests.rig.core` compares the two on millions of frames.
 *
 * A book lives in one place: the lists of market/book/l2.py (keys and levels, best level first). This file works on those
 * very lists, so the next frame may be read by either; only of the checksum digits it keeps its own.
 *
 * Only the limited API of Python 3.11 is used: one binary serves that version and all later ones. Every access to a
 * list is checked by Python itself, so not even a list of the wrong length can make this crash.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdint.h>
#include <string.h>

#define MOST_LEVELS 100     /* of one message; feed/channels/book.py looks at longer ones more closely */
#define MOST_DIGITS 18      /* always fit an int64 */
#define CHECKSUM_LEVELS 10  /* wire/checksum.py */
#define MOST_TEXT 208       /* of a level of the longest numbers that Python reads */
#define MANY 48             /* items from which moving them in one go is worth the trouble */
#define MOST_LOTS (INT64_C(1) << 61)
#define SECOND INT64_C(1000000000)

/* ---- CRC-32, eight bytes at a time ---------------------------------------------------------------------------- */

#define CRC_START 0xFFFFFFFFu

static uint32_t crc_table[8][256];

static void crc_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        crc_table[0][i] = c;
    }
    for (int i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_table[k][i] = crc_table[0][crc_table[k - 1][i] & 255] ^ (crc_table[k - 1][i] >> 8);
}

static uint32_t crc_of(uint32_t c, const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t a = c ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        c = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255] ^ crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24] ^
            crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    }
    while (n--) c = crc_table[0][(c ^ *p++) & 255] ^ (c >> 8);
    return c;
}

/* ---- reading a frame: each reader moves `at` and returns 0 where the text is not the usual one ------------------
 *
 * Python ends bytes and text with a NUL, which no reader goes past: it is neither a digit nor a part of a name. */

typedef struct { const char *at, *end; } Text;

typedef struct {
    int64_t ticks, lots;
    int count;                     /* of the digits */
    char digits[2 * MOST_DIGITS + 2];  /* of price and quantity, without points and leading zeros, as the checksum has them */
} Level;

typedef struct { Level level[MOST_LEVELS]; int bids, count; } Update;  /* the bids come first */

static int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static int skip(Text *t, const char *text, size_t n) {
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, text, n)) return 0;
    t->at += n;
    return 1;
}
#define SKIP(t, literal) skip(t, literal, sizeof(literal) - 1)

/* A number with exactly `precision` decimals; its digits without leading zeros are put after those of the level. */
static int number(Text *t, int precision, int64_t *units, Level *level) {
    const char *p = t->at;
    char *out = level->digits + level->count, *const start = out;
    uint64_t value = 0;
    int whole = 0, fraction = 0;
    for (; is_digit(*p) && whole < MOST_DIGITS; whole++, p++) {
        value = value * 10 + (uint64_t)(*p - '0');
        *out = *p;
        out += value != 0;
    }
    if (whole == 0 || (t->at[0] == '0' && whole > 1) || whole + precision > MOST_DIGITS) return 0;  /* JSON has no 007 */
    if (precision) {
        if (*p++ != '.') return 0;
        for (; fraction < precision && is_digit(*p); fraction++, p++) {
            value = value * 10 + (uint64_t)(*p - '0');
            *out = *p;
            out += value != 0;
        }
        if (fraction < precision) return 0;
    }
    level->count += (int)(out - start);
    *units = (int64_t)value;
    t->at = p;
    return 1;  /* what follows must be a comma or a brace, which the caller asks for */
}

static int levels(Text *t, int price_precision, int qty_precision, Update *u) {
    if (SKIP(t, "]")) return 1;
    do {
        if (u->count == MOST_LEVELS) return 0;
        Level *level = &u->level[u->count++];
        level->count = 0;
        if (!SKIP(t, "{\"price\":") || !number(t, price_precision, &level->ticks, level)) return 0;
        if (!SKIP(t, ",\"qty\":") || !number(t, qty_precision, &level->lots, level) || !SKIP(t, "}")) return 0;
        if (level->ticks == 0) return 0;
    } while (SKIP(t, ","));
    return SKIP(t, "]");
}

static int checksum(Text *t, uint32_t *found) {
    const char *first = t->at;
    uint64_t value = 0;
    while (t->at < t->end && is_digit(*t->at) && t->at - first < 11) value = value * 10 + (uint64_t)(*t->at++ - '0');
    if (t->at == first || (*first == '0' && t->at - first > 1) || value > UINT32_MAX) return 0;
    *found = (uint32_t)value;
    return 1;
}

/* Digits in fixed places; -1 where one is something else. */
static int64_t fixed(const char *p, int count) {
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(p[i])) return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

#define STAMP_LENGTH 27

/* "2023-10-06T17:35:55.440295Z" to ns since 1970; leap seconds and other centuries are left to Python. */
static int timestamp(Text *t, int64_t *ns) {
    static const char days_of[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static char minute_text[17];  /* the last one, up to the colon: the frames of one minute share it */
    static int64_t minute_ns;
    const char *p = t->at;
    if (t->end - p < STAMP_LENGTH || p[19] != '.' || p[26] != 'Z') return 0;
    if (memcmp(minute_text, p, sizeof minute_text)) {
        if (p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':') return 0;
        int64_t year = fixed(p, 4), month = fixed(p + 5, 2), day = fixed(p + 8, 2);
        int64_t hour = fixed(p + 11, 2), minute = fixed(p + 14, 2);
        if (year < 1970 || year > 2099 || month < 1 || month > 12 || day < 1) return 0;
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return 0;
        int leap = year % 4 == 0;  /* 2000 was one, and 2100 is out of reach */
        if (day > days_of[month - 1] + (leap && month == 2)) return 0;
        int64_t days = (year - 1970) * 365 + (year - 1969) / 4 + day - 1 + (leap && month > 2);
        for (int m = 0; m < month - 1; m++) days += days_of[m];
        minute_ns = ((days * 24 + hour) * 60 + minute) * 60 * SECOND;
        memcpy(minute_text, p, sizeof minute_text);
    }
    int64_t second = fixed(p + 17, 2), micros = fixed(p + 20, 6);
    if (second < 0 || second > 59 || micros < 0) return 0;
    *ns = minute_ns + second * SECOND + micros * 1000;
    t->at += STAMP_LENGTH;
    return 1;
}

/* ---- a lane: what is needed of one book -------------------------------------------------------------------------- */

enum { KEYS, LEVELS, LISTS };

typedef struct { int count; char text[MOST_TEXT]; } Digits;

typedef struct {
    PyObject *name;         /* Side.BUY or Side.SELL, as changes have it */
    PyObject *list[LISTS];  /* keys are ticks, negated for bids, so that both sides ascend; levels are (ticks, lots) */
    PyObject *theirs;       /* Python's list of the best levels' digits; emptied when ours are right and those may not be */
    PyObject *total;        /* a list of one: the sum of all lots, or None where Python must add them up */
    PyObject *state;        /* a list of one, in which Python puts True when it changes the ten best levels */
    PyObject *mark;         /* what is put there instead while `digits` are true; no other book has this very object */
    int64_t moved;          /* by how much this update changed the sum of all lots */
    int lost;               /* ... or whether that is too much to count here */
    int changed;            /* whether this update changed one of the ten best levels */
    int kept;               /* how many of the best levels have their digits in `digits`, in the places `order` says */
    unsigned char order[CHECKSUM_LEVELS];
    Digits digits[CHECKSUM_LEVELS];
    uint32_t crc;           /* of all digits, where they come first */
} Half;

typedef struct {
    PyObject_HEAD
    Half half[2];  /* bids, asks */
    int price_precision, qty_precision;
    Py_ssize_t depth;
    uint32_t crc;  /* of both sides */
    char open;  /* whether updates may be applied at all: the book is steady */
} Lane;

static PyTypeObject *lane_type;
static PyObject *zero, *carrier;  /* 0, and a list of one item for `list_put` */
static PyObject *distrust;        /* [True], for the state of a side */

static void half_clear(Half *half) {
    Py_CLEAR(half->state);
    Py_CLEAR(half->total);
    Py_CLEAR(half->theirs);
    Py_CLEAR(half->mark);
    Py_CLEAR(half->name);
    for (int i = 0; i < LISTS; i++) Py_CLEAR(half->list[i]);
}

static void lane_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    for (int i = 0; i < 2; i++) half_clear(&((Lane *)self)->half[i]);
    release(self);
    Py_DECREF(type);
}

/* A list of a side, as a new reference. */
static PyObject *list_of(PyObject *side, const char *name) {
    PyObject *found = PyObject_GetAttrString(side, name);
    if (found == NULL || PyList_CheckExact(found)) return found;
    Py_DECREF(found);
    return PyErr_Format(PyExc_TypeError, "%s of a side of a book is no list", name);
}

static int half_take(Half *half, PyObject *side) {
    half_clear(half);
    half->kept = 0;
    for (int i = 0; i < CHECKSUM_LEVELS; i++) half->order[i] = (unsigned char)i;
    return (half->mark = PyFloat_FromDouble(1.0)) && (half->name = PyObject_GetAttrString(side, "side")) &&
           (half->list[KEYS] = list_of(side, "_keys")) && (half->list[LEVELS] = list_of(side, "_levels")) &&
           (half->theirs = list_of(side, "_digits")) && (half->total = list_of(side, "_total")) &&
           (half->state = list_of(side, "_stale"));  /* the last: where it is there, all are */
}

/* follow(bids, asks, price_precision, qty_precision, depth): work on this book from now on. */
static PyObject *lane_follow(PyObject *self, PyObject *args) {
    Lane *lane = (Lane *)self;
    PyObject *bids, *asks;
    int price, qty;
    Py_ssize_t depth;
    if (!PyArg_ParseTuple(args, "OOiin:follow", &bids, &asks, &price, &qty, &depth)) return NULL;
    if (price < 0 || qty < 0 || depth < 0) return PyErr_Format(PyExc_ValueError, "a precision or a depth below 0");
    if (!half_take(&lane->half[0], bids) || !half_take(&lane->half[1], asks)) return NULL;
    lane->price_precision = price;
    lane->qty_precision = qty;
    lane->depth = depth;
    Py_RETURN_NONE;
}

/* ---- applying: as OrderBook.apply does. -1 means that a Python exception is set. --------------------------------- */

/* Where a key is or belongs: bisect_left. Numbers beyond an int64, which Python may have put there, still compare. */
static Py_ssize_t bisect(PyObject *keys, int64_t key, int *found) {
    Py_ssize_t low = 0, high = PyList_Size(keys), middle = 3;
    int near = 1;  /* most changes are near the touch: look there first, in growing steps */
    *found = 0;
    for (; low < high; middle = near ? 2 * middle + 1 : (low + high) / 2) {
        if (middle >= high) middle = (low + high) / 2;
        PyObject *item = PyList_GetItem(keys, middle);
        if (item == NULL) return -1;
        int beyond = 0;
        int64_t value = PyLong_AsLongLongAndOverflow(item, &beyond);
        if (value == -1 && !beyond && PyErr_Occurred()) return -1;
        if (beyond < 0 || (!beyond && value < key)) low = middle + 1;
        else {
            high = middle;
            near = 0;
            *found = !beyond && value == key;
        }
    }
    return low;
}

/* A tuple of new references; NULL where one is missing, the others then given back. */
static PyObject *tuple_of(PyObject **field, Py_ssize_t count) {
    int good = 1;
    for (Py_ssize_t i = 0; i < count; i++) good &= field[i] != NULL;
    PyObject *tuple = good ? PyTuple_New(count) : NULL;
    for (Py_ssize_t i = 0; i < count; i++)
        if (tuple == NULL) Py_XDECREF(field[i]);
        else PyTuple_SetItem(tuple, i, field[i]);
    return tuple;
}

static int list_put(PyObject *list, Py_ssize_t at, int replace, PyObject *value) {
    if (value == NULL) return -1;
    if (replace) return PyList_SetItem(list, at, value);  /* takes the reference */
    if (PyList_Size(list) - at > MANY) {
        /* PyList_Insert moves one item after another; assigning to a slice moves all of them at once. */
        int failed = PyList_SetItem(carrier, 0, value) || PyList_SetSlice(list, at, at, carrier);
        return failed | PyList_SetItem(carrier, 0, Py_NewRef(zero));
    }
    int failed = PyList_Insert(list, at, value);
    Py_DECREF(value);
    return failed;
}

/* Ticks (0) or lots (1) of a level, borrowed. */
static PyObject *part(Half *half, Py_ssize_t at, int which) {
    PyObject *level = PyList_GetItem(half->list[LEVELS], at);
    if (level == NULL) return NULL;
    if (PyTuple_Check(level) && PyTuple_Size(level) == 2) return PyTuple_GetItem(level, which);
    return PyErr_Format(PyExc_TypeError, "a level that is no pair of numbers");
}

/* Count a change of the sum of all lots. */
static int count_lots(Half *half, PyObject *before, int64_t after) {
    int beyond = 0;
    int64_t lots = PyLong_AsLongLongAndOverflow(before, &beyond);
    if (lots == -1 && !beyond && PyErr_Occurred()) return -1;
    half->lost |= beyond || lots > MOST_LOTS || lots < 0;
    half->moved += half->lost ? 0 : after - lots;
    half->lost |= half->moved > MOST_LOTS || half->moved < -MOST_LOTS;
    return 0;
}

/* Bring the sum of all lots in line with what was counted. */
static int add_up(Half *half) {
    PyObject *total = PyList_GetItem(half->total, 0);
    if (total == NULL) return -1;
    if (half->lost) return PyList_SetItem(half->total, 0, Py_NewRef(Py_None));
    if (half->moved == 0 || total == Py_None) return 0;
    PyObject *moved = PyLong_FromLongLong(half->moved), *sum = moved ? PyNumber_Add(total, moved) : NULL;
    Py_XDECREF(moved);
    return sum ? PyList_SetItem(half->total, 0, sum) : -1;
}

static int cut(Half *half, Py_ssize_t from, Py_ssize_t to) {
    for (int i = 0; i < LISTS; i++)
        if (PyList_SetSlice(half->list[i], from, to, NULL)) return -1;
    return 0;
}

/* Keep the digits of a level that was set (replacing another or not) or removed, at a place among those kept. */
static void keep(Half *half, int at, int known, const Level *level) {
    unsigned char *order = half->order;
    if (known && at >= half->kept) return;
    int slot = order[at];
    if (!known) {
        int last = half->kept < CHECKSUM_LEVELS ? half->kept : CHECKSUM_LEVELS - 1;
        if (at > last) return;
        slot = order[last];
        memmove(order + at + 1, order + at, (size_t)(last - at));
        order[at] = (unsigned char)slot;
        half->kept = last + 1;
    } else if (level->lots == 0) {
        half->kept--;
        memmove(order + at, order + at + 1, (size_t)(half->kept - at));
        order[half->kept] = (unsigned char)slot;
        return;
    }
    half->digits[slot].count = level->count;
    memcpy(half->digits[slot].text, level->digits, sizeof level->digits);
}

/* One level; returns its change, (side, ticks, lots before, lots after). */
static PyObject *put(Half *half, int sign, const Level *level) {
    int known;
    Py_ssize_t at = bisect(half->list[KEYS], sign * level->ticks, &known);
    if (at < 0) return NULL;
    PyObject *before = known ? part(half, at, 1) : zero;
    if (before == NULL) return NULL;
    Py_INCREF(before);
    PyObject *ticks = PyLong_FromLongLong(level->ticks);
    PyObject *lots = level->lots ? PyLong_FromLongLong(level->lots) : Py_NewRef(zero);
    PyObject *field[] = {Py_NewRef(half->name), ticks, before, lots}, *change = tuple_of(field, 4);
    if (change == NULL) return NULL;
    int failed = count_lots(half, before, level->lots);
    if (at < CHECKSUM_LEVELS && (known || level->lots)) {
        half->changed = 1;
        keep(half, (int)at, known, level);
    }
    if (level->lots) {
        PyObject *pair[] = {Py_NewRef(ticks), Py_NewRef(lots)}, *kept = tuple_of(pair, 2);
        PyObject *key = known ? NULL : sign > 0 ? Py_NewRef(ticks) : PyLong_FromLongLong(-level->ticks);
        failed |= (!known && list_put(half->list[KEYS], at, 0, key)) || list_put(half->list[LEVELS], at, known, kept);
    } else if (known)
        failed |= cut(half, at, at + 1);
    if (failed) Py_CLEAR(change);
    return change;
}

/* The levels of one side in their order, then the cut to the depth. */
static int apply_half(Half *half, int sign, const Level *level, int count, Py_ssize_t depth, PyObject *changes, Py_ssize_t to) {
    half->moved = half->lost = 0;
    for (int i = 0; i < count; i++) {
        PyObject *change = put(half, sign, &level[i]);
        if (change == NULL || PyTuple_SetItem(changes, to + i, change)) return -1;
    }
    Py_ssize_t size = PyList_Size(half->list[KEYS]);
    for (Py_ssize_t at = depth; at < size; at++) {
        PyObject *lots = part(half, at, 1);
        if (lots == NULL || count_lots(half, lots, 0)) return -1;
    }
    if (half->kept > depth) half->kept = (int)depth;
    return (size > depth && cut(half, depth, size)) || add_up(half) ? -1 : 0;
}

/* See to it that the digits kept here are those of the best levels, and that Python knows its own may not be. */
static int take_over(Half *half) {
    PyObject *state = PyList_GetItem(half->state, 0);
    if (state == NULL) return -1;
    half->changed = state != half->mark;
    if (!half->changed) return 0;
    half->kept = 0;
    if (PyList_SetItem(half->state, 0, Py_NewRef(half->mark))) return -1;
    return PyList_SetSlice(half->theirs, 0, PyList_Size(half->theirs), NULL);
}

/* Both sides; returns the tuple of changes. */
static PyObject *apply(Lane *lane, const Update *u) {
    PyObject *changes = PyTuple_New(u->count);
    if (changes == NULL) return NULL;
    Half *bids = &lane->half[0], *asks = &lane->half[1];
    int count = u->count - u->bids;
    if (take_over(bids) || take_over(asks) ||
        (u->bids && apply_half(bids, -1, u->level, u->bids, lane->depth, changes, 0)) ||
        (count && apply_half(asks, 1, u->level + u->bids, count, lane->depth, changes, u->bids)))
        Py_CLEAR(changes);
    return changes;
}

/* The CRC after the digits of the ten best levels; those not kept are made first. -1 with an exception. */
static int crc_half(Half *half, uint32_t start, uint32_t *crc) {
    char text[CHECKSUM_LEVELS * MOST_TEXT];
    size_t used = 0;
    Py_ssize_t size = PyList_Size(half->list[LEVELS]);
    for (int i = 0; i < CHECKSUM_LEVELS && i < size; i++) {
        Digits *digits = &half->digits[half->order[i]];
        if (i == half->kept) {
            digits->count = 0;
            for (int which = 0; which < 2; which++) {
                PyObject *value = part(half, i, which), *string = value ? PyObject_Str(value) : NULL;
                Py_ssize_t n = 0;
                const char *from = string ? PyUnicode_AsUTF8AndSize(string, &n) : NULL;
                int fits = from != NULL && n <= MOST_TEXT - digits->count;
                if (fits) memcpy(digits->text + digits->count, from, (size_t)n);
                Py_XDECREF(string);
                digits->count += (int)n;
                if (fits) continue;
                if (from != NULL) PyErr_SetString(PyExc_OverflowError, "more digits than numbers of the wire have");
                return -1;
            }
            half->kept++;
        }
        memcpy(text + used, digits->text, (size_t)digits->count);
        used += (size_t)digits->count;
    }
    *crc = crc_of(start, text, used);
    return 0;
}

/* The checksum of the book: asks, then bids. */
static int prove(Lane *lane, uint32_t *found) {
    Half *bids = &lane->half[0], *asks = &lane->half[1];
    if (asks->changed && crc_half(asks, CRC_START, &asks->crc)) return -1;
    if ((asks->changed || bids->changed) && crc_half(bids, asks->crc, &lane->crc)) return -1;
    *found = ~lane->crc;
    return 0;
}

/* ---- the module ---------------------------------------------------------------------------------------------------- */

static int text_of(PyObject *frame, Text *t) {
    Py_ssize_t size = 0;
    if (PyBytes_Check(frame)) {
        t->at = PyBytes_AsString(frame);
        size = PyBytes_Size(frame);
    } else if (PyUnicode_Check(frame)) {
        t->at = PyUnicode_AsUTF8AndSize(frame, &size);
        if (t->at == NULL) PyErr_Clear();  /* half a surrogate pair: Python says what is wrong with it */
    } else
        return 0;
    t->end = t->at + (t->at ? size : 0);
    return t->at != NULL;
}

/* The symbol as text; NULL without an exception where it is not plain ASCII. */
static PyObject *symbol_of(Text *t) {
    const char *first = t->at;
    while (t->at < t->end && *t->at >= ' ' && *t->at < 127 && *t->at != '"' && *t->at != '\\') t->at++;
    return t->at < t->end && *t->at == '"' ? PyUnicode_DecodeASCII(first, t->at - first, NULL) : NULL;
}

PyDoc_STRVAR(update_doc,
"update(frame, lanes, granted)\n--\n\n"
"Apply one live book update.\n\n"
"Args:\n"
"    frame: As received, bytes or str.\n"
"    lanes: Lanes by symbol.\n"
"    granted: The symbols whose updates are to be used, anything that knows `in`.\n\n"
"Returns:\n"
"    (symbol, changes, checksum of the frame, checksum of the book, timestamp, the same in ns), or None for any frame\n"
"    that is not such an update in its usual form: nothing has then been changed.");

static PyObject *update(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (count != 3 || !PyDict_Check(args[1])) return PyErr_Format(PyExc_TypeError, "update(frame, lanes: dict, granted)");
    Text t;
    if (!text_of(args[0], &t) || !SKIP(&t, "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\""))
        Py_RETURN_NONE;
    PyObject *symbol = symbol_of(&t), *found = NULL, *changes = NULL;
    if (symbol == NULL) goto unusual;
    PyObject *entry = PyDict_GetItemWithError(args[1], symbol);
    if (entry == NULL) goto unusual;
    if (Py_TYPE(entry) != lane_type) goto unusual;
    Lane *lane = (Lane *)entry;
    Update u;
    uint32_t expected;
    int64_t ns;
    u.count = 0;
    if (!lane->open || !lane->half[0].state || !lane->half[1].state || !SKIP(&t, "\",\"bids\":[")) goto unusual;
    if (!levels(&t, lane->price_precision, lane->qty_precision, &u) || !SKIP(&t, ",\"asks\":[")) goto unusual;
    u.bids = u.count;
    if (!levels(&t, lane->price_precision, lane->qty_precision, &u) || !SKIP(&t, ",\"checksum\":")) goto unusual;
    if (!checksum(&t, &expected) || !SKIP(&t, ",\"timestamp\":\"") || !timestamp(&t, &ns)) goto unusual;
    const char *stamp = t.at - STAMP_LENGTH;
    if (!SKIP(&t, "\"}]}") || t.at != t.end || PySequence_Contains(args[2], symbol) != 1) goto unusual;
    /* From here on it is this frame's update, and it is applied. */
    uint32_t actual;
    Py_INCREF(entry);  /* a collection of garbage may run anything */
    changes = apply(lane, &u);
    if (changes != NULL && !prove(lane, &actual)) {
        PyObject *field[] = {
            Py_NewRef(symbol), Py_NewRef(changes), PyLong_FromUnsignedLong(expected), PyLong_FromUnsignedLong(actual),
            PyUnicode_DecodeASCII(stamp, STAMP_LENGTH, NULL), PyLong_FromLongLong(ns),
        };
        found = tuple_of(field, sizeof field / sizeof *field);
    } else  /* out of memory, or the lists were tampered with: what is kept of them is not to be trusted any more */
        for (int i = 0; i < 2; i++) PyList_SetSlice(lane->half[i].state, 0, 1, distrust);
    Py_XDECREF(changes);
    Py_DECREF(entry);
    Py_DECREF(symbol);
    return found;
unusual:
    Py_XDECREF(symbol);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyMemberDef lane_members[] = {
    {"open", T_BOOL, offsetof(Lane, open), 0, "Whether updates are applied: the book is steady."},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef lane_methods[] = {
    {"follow", lane_follow, METH_VARARGS,
     "follow(bids, asks, price_precision, qty_precision, depth)\n--\n\nWork on the lists of these two sides from now on."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot lane_slots[] = {
    {Py_tp_doc, "Lane()\n--\n\nWhat `update` needs of one book. Closed until somebody sets `open`."},
    {Py_tp_dealloc, lane_dealloc},
    {Py_tp_methods, lane_methods},
    {Py_tp_members, lane_members},
    {0, NULL},
};

static PyType_Spec lane_spec = {"kraken_tui._core.Lane", sizeof(Lane), 0, Py_TPFLAGS_DEFAULT, lane_slots};

static PyMethodDef functions[] = {
    {"update", (PyCFunction)(void (*)(void))update, METH_FASTCALL, update_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_of = {
    PyModuleDef_HEAD_INIT, "kraken_tui._core", "The compiled core; see kraken_tui/core.py.", -1, functions,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void) {
    crc_init();
    PyObject *module = PyModule_Create(&module_of);
    if (module == NULL) return NULL;
    lane_type = (PyTypeObject *)PyType_FromSpec(&lane_spec);
    zero = PyLong_FromLong(0);
    carrier = Py_BuildValue("[i]", 0);
    distrust = Py_BuildValue("[O]", Py_True);
    if (!lane_type || !zero || !carrier || !distrust || PyModule_AddObjectRef(module, "Lane", (PyObject *)lane_type)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
