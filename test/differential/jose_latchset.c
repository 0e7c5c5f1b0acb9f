/* José (latchset, Debian's libjose) as a filter:   jose_latchset KEYS
 *
 * A line is the name of a key and a token in hexadecimal; the answer is "ok" or "refused". It judges the signature
 * and no claims. The key's "alg" is given to it, but it only compares it loosely: see README.md. */
#include <jose/jws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A compact JWS as the object that the library takes; NULL if it has not three parts or is no UTF-8. */
static json_t *read_compact(const char *token, size_t size)
{
    const char *first = memchr(token, '.', size);
    const char *end = token + size;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1))) return NULL;
    json_t *protected = json_stringn(token, (size_t)(first - token));
    json_t *payload = json_stringn(first + 1, (size_t)(second - first - 1));
    json_t *signature = json_stringn(second + 1, (size_t)(end - second - 1));
    json_t *jws = NULL;
    if (protected && payload && signature)
        jws = json_pack("{s:O,s:O,s:O}", "protected", protected, "payload", payload, "signature", signature);
    json_decref(protected);
    json_decref(payload);
    json_decref(signature);
    return jws;
}

static int digit_of(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *keys = argc == 2 ? json_load_file(argv[1], 0, &error) : NULL;
    if (!keys) return fprintf(stderr, "usage: jose_latchset KEYS\n"), 2;

    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        char *hex = strchr(line, ' ');
        if (!hex) return 2;
        *hex++ = '\0';
        const json_t *key = json_object_get(keys, line);
        if (!key) return 2;
        const size_t length = strcspn(hex, "\n") / 2;
        char *token = malloc(length + 1);
        for (size_t i = 0; i < length; i++) token[i] = (char)(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1]));
        json_t *jws = read_compact(token, length);
        puts(jws && jose_jws_ver(NULL, jws, NULL, key, true) ? "ok" : "refused");
        json_decref(jws);
        free(token);
    }
    free(line);
    json_decref(keys);
    return 0;
}
