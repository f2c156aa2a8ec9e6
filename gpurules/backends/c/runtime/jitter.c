static const uint64_t gr_blake_start[8] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
    UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
    UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint8_t gr_blake_order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t gr_rotated(uint64_t value, int by) {
    return value >> by | value << (64 - by);
}

static void gr_blake_mix(uint64_t *v, const uint8_t *at, uint64_t x, uint64_t y) {
    v[at[0]] += v[at[1]] + x;
    v[at[3]] = gr_rotated(v[at[3]] ^ v[at[0]], 32);
    v[at[2]] += v[at[3]];
    v[at[1]] = gr_rotated(v[at[1]] ^ v[at[2]], 24);
    v[at[0]] += v[at[1]] + y;
    v[at[3]] = gr_rotated(v[at[3]] ^ v[at[0]], 16);
    v[at[2]] += v[at[3]];
    v[at[1]] = gr_rotated(v[at[1]] ^ v[at[2]], 63);
}

static void gr_blake_compress(uint64_t *h, const uint8_t *block, uint64_t count, bool is_last) {
    static const uint8_t places[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
                                         {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14}};
    uint64_t m[16], v[16];
    for (int i = 0; i < 16; i++) {
        m[i] = 0;
        for (int k = 7; k >= 0; k--) {
            m[i] = m[i] << 8 | block[8 * i + k];
        }
        v[i] = i < 8 ? h[i] : gr_blake_start[i - 8];
    }
    v[12] ^= count;
    v[14] = is_last ? ~v[14] : v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *s = gr_blake_order[round % 10];
        for (int i = 0; i < 8; i++) {
            gr_blake_mix(v, places[i], m[s[2 * i]], m[s[2 * i + 1]]);
        }
    }
    for (int i = 0; i < 8; i++) {
        h[i] ^= v[i] ^ v[i + 8];
    }
}

/* The BLAKE2b hash of a text, of 8 bytes, as a share of 2^64. */
static double gr_blake_share(gr_text text) {
    uint64_t h[8], count = 0;
    uint8_t block[128];
    memcpy(h, gr_blake_start, sizeof h);
    h[0] ^= 0x01010000 ^ 8;
    for (; text.length - count > 128; count += 128) {
        gr_blake_compress(h, (const uint8_t *)text.data + count, count + 128, false);
    }
    memset(block, 0, sizeof block);
    memcpy(block, text.data + count, text.length - count);
    gr_blake_compress(h, block, text.length, true);
    uint64_t share = 0;
    for (int i = 0; i < 8; i++) {
        share = share << 8 | (h[0] >> (8 * i) & 0xFF);
    }
    return (double)share / 18446744073709551616.0;
}

/* A delay that has grown by a share that the identity of the transfer decides. */
static double gr_jittered(double delay, double jitter, gr_text id) {
    return id.data == NULL ? delay : delay * (1 + jitter * gr_blake_share(id));
}
