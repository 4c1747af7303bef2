"""Worked examples of the private side: signatures, nonces, requests and refusals.

The first signature and its key are Kraken's documentation's, the key a published dummy; the other signatures were made
by a second implementation. Ids and amounts are invented.
"""

# ruff: noqa: E501

PRIVATE_KEY = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

SIGNATURES = [
    (
        "documented AddOrder",
        "/0/private/AddOrder",
        "1616492376594",
        "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    (
        "token request, form",
        "/0/private/GetWebSocketsToken",
        "1616492376594",
        "nonce=1616492376594",
        "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==",
    ),
    (
        "token request, JSON, nonce as text",
        "/0/private/GetWebSocketsToken",
        "1616492376594",
        '{"nonce":"1616492376594"}',
        "HPdpJhpIrtLjJZVt+Hh9BfWStC+WBySrpgTLHtVBJ7ZH9UdJOtersnssuRGVwxefF6bnUPz24Bq23UUmUtafXg==",
    ),
    (
        "token request, JSON, nonce as number (another body, another signature)",
        "/0/private/GetWebSocketsToken",
        "1616492376594",
        '{"nonce":1616492376594}',
        "yl7HvQ7MH+jWgPjH8r2+qILii9+OjPXXmiYU0uJ3ZdoxQGQlSfjTrhVW8NhLKbAnVRjuuiqkn/lDVd8AhdBrfQ==",
    ),
    (
        "token request, JSON with spaces as many encoders write it",
        "/0/private/GetWebSocketsToken",
        "1616492376594",
        '{"nonce": "1616492376594"}',
        "gBLQmsySIeAFlvvt9mlmlAW63RSIIiP73oJxeSKMA/AwR0TarFWhYE8/par4GDXODMDNz8oO3byVeZ0KQ1lZ0w==",
    ),
    (
        "nanosecond nonce",
        "/0/private/BalanceEx",
        "1767607200123456789",
        "nonce=1767607200123456789",
        "Lom/Uu+CBTzhp1Vu6NqxHt4wBCMS+U2+OCthxHNTo43/zJCoc+d4lwwDyAD2ziajWwY4VHT/yJDuus/sJj2QFw==",
    ),
    (
        "one-time password",
        "/0/private/BalanceEx",
        "1767607200123456790",
        "nonce=1767607200123456790&otp=123456",
        "wwqVaXL6UOXT2Yckdbk+JPhtJF9/9f4KCnmzpDXHq3Jw/XHPafmWMdwLNXOCuny+KiqlIXj0fkx4QY4ZA8BY4Q==",
    ),
    (
        "slash in a value: the encoded body is signed",
        "/0/private/Level3",
        "1767607200123456791",
        "nonce=1767607200123456791&pair=BTC%2FUSD&depth=10",
        "X1YOamntAXDTvTvwnGFU+FvjDpwFfKVHqzyZyJ0bn4k1Oq0LBLK6Cf5ZsGdwGtiG2frK5vAJDIuKN3t5XZDiKQ==",
    ),
    (
        "parameter order does not matter as long as the signed text is the text sent",
        "/0/private/Level3",
        "1767607200123456791",
        "depth=10&nonce=1767607200123456791&pair=BTC%2FUSD",
        "OCdCtwt57ChDW5NtIHIhEMaLXV/9T8GRR/eLeZ9FIVQa8RWlX4kjnU9v7ZIfpG6P5rsvuEvubvbFWw7O7EycNg==",
    ),
    (
        "key info",
        "/0/private/GetApiKeyInfo",
        "1767607200123456792",
        "nonce=1767607200123456792",
        "qMSqqvhJ3mqQqh4opnI/RaEp773gEyDyknUAZQbIBguJvLf6cW8447Vyi4w2dioVbXoMqqwtoE6EMebxFyrJlQ==",
    ),
]
"""(name, path, nonce, body, signature)."""

WRONG_SIGNATURES = {
    "secret not base64-decoded": "zA0LsmBEQjAhiVXDC0d286hCa9i387Mf1ZKLsYKEAfzW+x3m5FeiAkR7eoNxQ7ykM1KedtbCWKAZ4wyKRSmgfQ==",
    "SHA-256 as hex text": "zo+vrOtmhw2LH1Fh3GAqpXIqhgnLDTHJUiD6oiKNvJ4z8K6XEtgTTwr9ob8wbAF2rCRgTCD6KZSUz3JYQiekzg==",
    "whole URL instead of the path": "5IHfbxv5a7q9bwMIwxuekZWPOl22rcrmLUTpZavTdvG0rsyiPZcNJJsVGUgeDtSSWTJ1TrbnQzOuKW2atlrC4A==",
    "path without /0": "BfkkPNdthLSlAlKyQhtMORrwsLNe5sgVSqQAtWepxm23hzTYKU5gXSwQXkbzo1rbhKacxGGJaO/QyMsJXc5ZIQ==",
    "nonce not prepended": "Z5k+Kt74bBDz+YmZ7doSlQkWwtXUmfNLPhcm4B94rRbgOj661gDhCxquNhAJrnZSDtKFA5CApNbeWvXb2EGUFg==",
    "result as hex": "e3f769c5bde24f8b69fd90951304a712c2f1c746eaca12e975f3a973a7e7ece47cf940a5495e67f44e9a492f0c3ed9d17e9df66c06f49e66d19fa1fc9ddc0b51",
}
"""Mistake -> what it makes of the first example."""

DIGEST = "23a1c1b34c6a11d641af0f24684896cb90f66fb991125c83dc357bdc3dc146f1"

NONCES = [
    ("normal", 1000, 900, 1000),
    ("two calls in the same clock tick", 1000, 1000, 1001),
    ("clock stepped back", 990, 1005, 1006),
    ("restart: high-water mark read from disk", 1200, 1500, 1501),
    ("key was used with nanoseconds before, now milliseconds", 1767607200123, 1767607200123456789, 1767607200123456790),
]
"""(case, clock, last, next)."""

REQUESTS = [
    '{"method":"add_order","params":{"order_type":"limit","side":"buy","order_qty":0.01000000,"symbol":"BTC/USD","limit_price":26500.4,"time_in_force":"gtc","post_only":true,"cl_ord_id":"0835958d-c526-4ad8-aea8-af54836de47e","deadline":"2026-01-05T12:00:02.000Z","validate":true,"token":"<token>"},"req_id":1}',
    '{"method":"amend_order","params":{"order_id":"OK4GJX-KSTLS-7DZZO5","order_qty":0.00500000,"limit_price":26500.9,"post_only":true,"token":"<token>"},"req_id":2}',
    '{"method":"cancel_order","params":{"order_id":["OK4GJX-KSTLS-7DZZO5"],"token":"<token>"},"req_id":3}',
    '{"method":"cancel_order","params":{"cl_ord_id":["0835958d-c526-4ad8-aea8-af54836de47e"],"token":"<token>"},"req_id":4}',
    '{"method":"cancel_all","params":{"token":"<token>"},"req_id":5}',
    '{"method":"cancel_all_orders_after","params":{"timeout":60,"token":"<token>"},"req_id":6}',
    '{"method":"cancel_all_orders_after","params":{"timeout":0,"token":"<token>"},"req_id":7}',
]
"""What is sent, with `<token>` as the token."""

REFUSALS = [
    ("EOrder:Insufficient funds", "no"),
    ("EOrder:Order minimum not met", "no"),
    ("EOrder:Cost minimum not met", "no"),
    ("EOrder:Tick size check failed", "no"),
    ("EOrder:Invalid price", "no"),
    ("EOrder:Rate limit exceeded", "after decay"),
    ("EOrder:Orders limit exceeded", "no"),
    ("EGeneral:Permission denied", "no"),
    ("EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market", "no"),
    ("Limit_price field must be a number_float", "no"),
    ("Token(s) not found", "no"),
    ("EService:Deadline elapsed", "only with a new decision"),
    ("EService:Market in cancel_only mode", "no"),
    ("EService:Market in post_only mode", "no"),
    ("EOrder:Unknown order", "no"),
    ("EService:Unavailable", "outcome unknown"),
]
"""(text, whether it may be sent again)."""

KEY_INFO_VIEW = {
    "error": [],
    "result": {
        "apiKeyName": "ladder-view",
        "nonce": "1767607200123456789",
        "nonceWindow": 0,
        "permissions": ["query-funds", "query-open-trades", "query-closed-trades", "create-ws-token"],
        "validUntil": "0",
        "queryFrom": "0",
        "queryTo": "0",
        "ipAllowlist": [],
        "lastUsed": None,
    },
}

KEY_INFO_STRONG = {
    "error": [],
    "result": {
        "apiKeyName": "everything",
        "nonce": "1",
        "nonceWindow": 0,
        "permissions": [
            "query-funds",
            "add-funds",
            "withdraw-funds",
            "query-open-trades",
            "query-closed-trades",
            "modify-trades",
            "close-trades",
            "create-ws-token",
        ],
        "validUntil": "0",
        "queryFrom": "0",
        "queryTo": "0",
        "ipAllowlist": [],
        "lastUsed": None,
    },
}
