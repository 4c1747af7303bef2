/* What the machine allows: the whole pipeline in C, as a measure for everything written in Python.
 *
 * A frame is parsed by a general JSON parser (any key order, spaces, escapes, nesting) into a tree, its levels are
 * put into two sorted arrays, the arrays are truncated, and the CRC32 of the ten best levels is compared with the
 * frame's. Numbers are kept as their text, so quantities of any size are exact. Nothing is skipped, nothing deferred.
 *
 * floor FRAMES DEPTH PRICE_DECIMALS QTY_DECIMALS BUDGET_S measure|check
 *
 * FRAMES holds one frame a line, the snapshot first. Prints one line of JSON, as driver.py does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *why) {
    fprintf(stderr, "floor: %s\n", why);
    exit(2);
}

/* ---- CRC32, eight bytes at a time -------------------------------------------------------------------------- */

static uint32_t crc_table[8][256];

static void crc_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_table[k][i] = crc_table[0][crc_table[k - 1][i] & 255] ^ (crc_table[k - 1][i] >> 8);
}

static uint32_t crc_of(const unsigned char *p, size_t n) {
    uint32_t c = 0xFFFFFFFFu;
    while (n >= 8) {
        uint32_t a = c ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        c = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255] ^ crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24] ^
            crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
        p += 8;
        n -= 8;
    }
    while (n--) c = crc_table[0][(c ^ *p++) & 255] ^ (c >> 8);
    return c ^ 0xFFFFFFFFu;
}

/* ---- JSON: a tree of nodes in one reused array -------------------------------------------------------------- */

enum kind { NIL, FALSE_, TRUE_, NUMBER, STRING, ARRAY, OBJECT };

typedef struct node {
    enum kind kind;
    const char *text, *key;   /* into the frame, or into the scratch space where a string had escapes */
    uint32_t length, key_length;
    struct node *child, *next;
} node;

static node *nodes;
static size_t node_count, node_room;
static char *scratch;
static size_t scratch_used;
static const char *at, *end;

static node *new_node(enum kind kind) {
    if (node_count == node_room) die("too many values in a frame");
    node *n = &nodes[node_count++];
    n->kind = kind;
    n->text = n->key = NULL;
    n->length = n->key_length = 0;
    n->child = n->next = NULL;
    return n;
}

static void spaces(void) {
    const char *p = at;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    at = p;
}

static void expect(char c) {
    if (at == end || *at != c) die("malformed JSON");
    at++;
}

static unsigned hex4(void) {
    unsigned value = 0;
    if (end - at < 4) die("malformed escape");
    for (int i = 0; i < 4; i++) {
        char c = *at++;
        value = value << 4 | (unsigned)(c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : (die("malformed escape"), 0));
    }
    return value;
}

static void utf8(unsigned c) {
    char *o = scratch + scratch_used;
    if (c < 0x80) *o++ = (char)c;
    else if (c < 0x800) { *o++ = (char)(0xC0 | c >> 6); *o++ = (char)(0x80 | (c & 63)); }
    else if (c < 0x10000) { *o++ = (char)(0xE0 | c >> 12); *o++ = (char)(0x80 | (c >> 6 & 63)); *o++ = (char)(0x80 | (c & 63)); }
    else { *o++ = (char)(0xF0 | c >> 18); *o++ = (char)(0x80 | (c >> 12 & 63)); *o++ = (char)(0x80 | (c >> 6 & 63)); *o++ = (char)(0x80 | (c & 63)); }
    scratch_used = (size_t)(o - scratch);
}

static void escape(void) {
    if (at == end) die("unterminated string");
    char c = *at++;
    switch (c) {
    case 'n': utf8('\n'); break;
    case 't': utf8('\t'); break;
    case 'r': utf8('\r'); break;
    case 'b': utf8('\b'); break;
    case 'f': utf8('\f'); break;
    case '"': case '\\': case '/': utf8((unsigned char)c); break;
    case 'u': {
        unsigned code = hex4();
        if (code >= 0xD800 && code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
            at += 2;
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4() - 0xDC00);
        }
        utf8(code);
        break;
    }
    default: die("malformed escape");
    }
}

/* A string's bytes: in place as a rule, copied only where there is an escape. The scratch space is as large as the frame. */
static void string(const char **text, uint32_t *length) {
    expect('"');
    const char *first = at, *p = at, *stop = end;
    while (p < stop && *p != '"' && *p != '\\') {
        if ((unsigned char)*p < 32) die("control character in a string");
        p++;
    }
    at = p;
    if (p < stop && *p == '"') {
        *text = first;
        *length = (uint32_t)(p - first);
        at = p + 1;
        return;
    }
    size_t from = scratch_used;
    memcpy(scratch + scratch_used, first, (size_t)(at - first));
    scratch_used += (size_t)(at - first);
    while (at < end && *at != '"') {
        if (*at == '\\') { at++; escape(); }
        else scratch[scratch_used++] = *at++;
    }
    expect('"');
    *text = scratch + from;
    *length = (uint32_t)(scratch_used - from);
}

static void word(const char *text) {
    size_t n = strlen(text);
    if ((size_t)(end - at) < n || memcmp(at, text, n)) die("malformed JSON");
    at += n;
}

static const char *digits_from(const char *p) {
    const char *first = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    if (p == first) die("malformed number");
    return p;
}

static node *number(void) {
    node *n = new_node(NUMBER);
    const char *p = at;
    n->text = p;
    if (*p == '-') p++;
    if (p < end && *p == '0') p++;
    else p = digits_from(p);
    if (p < end && *p == '.') p = digits_from(p + 1);
    if (p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        p = digits_from(p);
    }
    n->length = (uint32_t)(p - n->text);
    at = p;
    return n;
}

static node *value(int depth);

static node *members(int depth, enum kind kind, char close) {
    node *n = new_node(kind), **tail = &n->child;
    at++;
    spaces();
    if (at < end && *at == close) { at++; return n; }
    for (;;) {
        const char *key = NULL;
        uint32_t key_length = 0;
        spaces();
        if (kind == OBJECT) {
            string(&key, &key_length);
            spaces();
            expect(':');
        }
        node *child = value(depth + 1);
        child->key = key;
        child->key_length = key_length;
        *tail = child;
        tail = &child->next;
        spaces();
        if (at < end && *at == ',') { at++; continue; }
        expect(close);
        return n;
    }
}

static node *value(int depth) {
    if (depth > 64) die("nested too deeply");
    spaces();
    if (at == end) die("malformed JSON");
    switch (*at) {
    case '{': return members(depth, OBJECT, '}');
    case '[': return members(depth, ARRAY, ']');
    case '"': { node *n = new_node(STRING); string(&n->text, &n->length); return n; }
    case 't': word("true"); return new_node(TRUE_);
    case 'f': word("false"); return new_node(FALSE_);
    case 'n': word("null"); return new_node(NIL);
    default: return number();
    }
}

static node *parse(const char *frame, size_t length) {
    node_count = scratch_used = 0;
    at = frame;
    end = frame + length;
    node *root = value(0);
    spaces();
    if (at != end) die("more than one value in a frame");
    return root;
}

static node *get(node *object, const char *key, enum kind kind) {
    size_t n = strlen(key);
    for (node *child = object->child; child; child = child->next)
        if (child->key_length == n && !memcmp(child->key, key, n)) {
            if (child->kind != kind) die("a field of another kind than documented");
            return child;
        }
    die("a field is missing");
    return NULL;
}

static int is(const node *n, const char *text) { return n->length == strlen(text) && !memcmp(n->text, text, n->length); }

/* ---- the book: a sorted array a side, worst first, so that changes at the touch move little ------------------ */

typedef struct { int64_t key; uint8_t length; char digits[55]; } level;  /* digits: price and quantity, as hashed */
typedef struct { level *all; int low, high, room, sign; } side;          /* levels are all[low] .. all[high - 1] */

static side bids, asks;

static void side_init(side *s, int depth, int sign) {
    s->room = 4 * depth + 256;
    s->all = malloc(sizeof(level) * (size_t)s->room);
    if (!s->all) die("out of memory");
    s->sign = sign;
    s->low = s->high = s->room / 2;
}

/* Digits of a number with exactly `decimals` decimals, without leading zeros; returns their count, 0 for zero. */
static int plain(const node *n, int decimals, char *out, int room) {
    int count = 0, after = -1;
    for (uint32_t i = 0; i < n->length; i++) {
        char c = n->text[i];
        if (c == '.') { after = 0; continue; }
        if (c < '0' || c > '9') die("a number with a sign or an exponent");
        if (after >= 0) after++;
        if (!count && c == '0') continue;
        if (count == room) die("a number too long");
        out[count++] = c;
    }
    if (after < 0) after = 0;
    if (after > decimals) die("a number with too many decimals");
    for (; count && after < decimals; after++) {
        if (count == room) die("a number too long");
        out[count++] = '0';
    }
    return count;
}

static void put(side *s, const node *price, const node *qty, int price_decimals, int qty_decimals) {
    level new_level;
    int n = plain(price, price_decimals, new_level.digits, 18);
    int64_t ticks = 0;
    for (int i = 0; i < n; i++) ticks = ticks * 10 + (new_level.digits[i] - '0');
    int m = plain(qty, qty_decimals, new_level.digits + n, (int)sizeof new_level.digits - n);
    /* Rising keys are better levels: bids by their price, asks by its negative. */
    int64_t key = new_level.key = ticks * s->sign;
    new_level.length = (uint8_t)(n + m);
    int low = s->low, high = s->high;
    while (low < high) {
        int middle = (low + high) / 2;
        if (s->all[middle].key < key) low = middle + 1;
        else high = middle;
    }
    if (low < s->high && s->all[low].key == key) {
        if (m) { s->all[low] = new_level; return; }
        memmove(&s->all[low], &s->all[low + 1], sizeof(level) * (size_t)(s->high - low - 1));
        s->high--;
        return;
    }
    if (!m) return;
    if (low - s->low < s->high - low && s->low > 0) {
        memmove(&s->all[s->low - 1], &s->all[s->low], sizeof(level) * (size_t)(low - s->low));
        s->low--;
        s->all[low - 1] = new_level;
        return;
    }
    if (s->high == s->room) {
        int count = s->high - s->low, from = (s->room - count) / 2;
        if (count == s->room) die("more levels than the depth allows");
        memmove(&s->all[from], &s->all[s->low], sizeof(level) * (size_t)count);
        low += from - s->low;
        s->low = from;
        s->high = from + count;
    }
    memmove(&s->all[low + 1], &s->all[low], sizeof(level) * (size_t)(s->high - low));
    s->all[low] = new_level;
    s->high++;
}

/* Digits of the ten best levels; `out` needs room for one level more than that. */
static char *join(const side *s, char *out) {
    for (int i = s->high - 1; i >= s->low && i >= s->high - 10; i--) {
        memcpy(out, s->all[i].digits, sizeof s->all[i].digits);  /* a fixed size is one move; the rest is overwritten */
        out += s->all[i].length;
    }
    return out;
}

/* One frame, from its bytes to whether its checksum is right. */
static int feed(const char *frame, size_t length, int depth, int price_decimals, int qty_decimals) {
    char text[21 * sizeof(level)], *p;
    node *root = parse(frame, length);
    if (root->kind != OBJECT || !is(get(root, "channel", STRING), "book")) die("not a book frame");
    node *data = get(root, "data", ARRAY)->child;
    if (!data || data->kind != OBJECT) die("a frame without data");
    if (is(get(root, "type", STRING), "snapshot")) {
        bids.low = bids.high = bids.room / 2;
        asks.low = asks.high = asks.room / 2;
    }
    for (int i = 0; i < 2; i++) {
        side *s = i ? &asks : &bids;
        for (node *l = get(data, i ? "asks" : "bids", ARRAY)->child; l; l = l->next)
            put(s, get(l, "price", NUMBER), get(l, "qty", NUMBER), price_decimals, qty_decimals);
        if (s->high - s->low > depth) s->low = s->high - depth;
    }
    p = join(&bids, join(&asks, text));
    node *sum = get(data, "checksum", NUMBER);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < sum->length; i++) expected = expected * 10 + (uint32_t)(sum->text[i] - '0');
    return crc_of((unsigned char *)text, (size_t)(p - text)) == expected;
}

/* ---- the program -------------------------------------------------------------------------------------------- */

static int64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static char *file, **frames;
static size_t *lengths, count, longest;

static void read_frames(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) die("the file of frames cannot be opened");
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f), room = 1;
    rewind(f);
    file = malloc(size + 1);
    if (!file || fread(file, 1, size, f) != size) die("the file of frames cannot be read");
    fclose(f);
    for (size_t i = 0; i < size; i++) room += file[i] == '\n';
    frames = malloc(room * sizeof *frames);
    lengths = malloc(room * sizeof *lengths);
    if (!frames || !lengths) die("out of memory");
    for (size_t from = 0; from < size;) {
        char *stop = memchr(file + from, '\n', size - from);
        size_t length = stop ? (size_t)(stop - file) - from : size - from;
        frames[count] = file + from;
        lengths[count++] = length;
        if (length > longest) longest = length;
        from += length + 1;
    }
}

int main(int argc, char **argv) {
    if (argc != 7) die("usage: floor FRAMES DEPTH PRICE_DECIMALS QTY_DECIMALS BUDGET_S measure|check");
    int depth = atoi(argv[2]), price = atoi(argv[3]), qty = atoi(argv[4]);
    crc_init();
    read_frames(argv[1]);
    node_room = longest;  /* a value takes at least one byte */
    nodes = malloc(node_room * sizeof *nodes);
    scratch = malloc(longest);
    if (!nodes || !scratch || count < 2) die("no frames");
    side_init(&bids, depth, 1);
    side_init(&asks, depth, -1);
    if (!strcmp(argv[6], "check")) {
        size_t alarms = 0;
        printf("{\"messages\":%zu,\"alarms_at\":[", count);
        for (size_t i = 0; i < count; i++)
            if (!feed(frames[i], lengths[i], depth, price, qty)) printf(alarms++ ? ",%zu" : "%zu", i);
        printf("],\"alarms\":%zu}\n", alarms);
        return 0;
    }
    int64_t budget = (int64_t)(atof(argv[5]) * 1e9), started = now_ns(CLOCK_MONOTONIC), *took = malloc(count * sizeof *took);
    size_t alarms = 0;
    if (!took) die("out of memory");
    printf("{\"passes\":[");
    for (int pass = 0; !pass || now_ns(CLOCK_MONOTONIC) - started < budget; pass++) {
        alarms += !feed(frames[0], lengths[0], depth, price, qty);
        int64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 1; i < count; i++) alarms += !feed(frames[i], lengths[i], depth, price, qty);
        printf(pass ? ",%.4f" : "%.4f", (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e3 / (double)(count - 1));
    }
    feed(frames[0], lengths[0], depth, price, qty);
    for (size_t i = 1; i < count; i++) {
        int64_t start = now_ns(CLOCK_MONOTONIC);
        feed(frames[i], lengths[i], depth, price, qty);
        took[i - 1] = now_ns(CLOCK_MONOTONIC) - start;
    }
    qsort(took, count - 1, sizeof *took, by_size);
    printf("],\"messages\":%zu,\"alarms\":%zu,\"p50\":%.3f,\"p99\":%.3f}\n", count - 1, alarms,
           (double)took[(count - 1) * 50 / 100] / 1e3, (double)took[(count - 1) * 99 / 100] / 1e3);
    return 0;
}
