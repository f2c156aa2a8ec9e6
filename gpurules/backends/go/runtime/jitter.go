package rules

import (
	"encoding/binary"
	"math/bits"
)

var blakeStart = [8]uint64{
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
}

var blakeOrder = [10][16]uint8{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}

func blakeMix(v *[16]uint64, places [4]uint8, x, y uint64) {
	a, b, c, d := places[0], places[1], places[2], places[3]
	v[a] += v[b] + x
	v[d] = bits.RotateLeft64(v[d]^v[a], -32)
	v[c] += v[d]
	v[b] = bits.RotateLeft64(v[b]^v[c], -24)
	v[a] += v[b] + y
	v[d] = bits.RotateLeft64(v[d]^v[a], -16)
	v[c] += v[d]
	v[b] = bits.RotateLeft64(v[b]^v[c], -63)
}

func blakeCompress(h *[8]uint64, block *[128]byte, count uint64, isLast bool) {
	var m, v [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	copy(v[:8], h[:])
	copy(v[8:], blakeStart[:])
	v[12] ^= count
	if isLast {
		v[14] = ^v[14]
	}
	for round := 0; round < 12; round++ {
		s := &blakeOrder[round%10]
		blakeMix(&v, [4]uint8{0, 4, 8, 12}, m[s[0]], m[s[1]])
		blakeMix(&v, [4]uint8{1, 5, 9, 13}, m[s[2]], m[s[3]])
		blakeMix(&v, [4]uint8{2, 6, 10, 14}, m[s[4]], m[s[5]])
		blakeMix(&v, [4]uint8{3, 7, 11, 15}, m[s[6]], m[s[7]])
		blakeMix(&v, [4]uint8{0, 5, 10, 15}, m[s[8]], m[s[9]])
		blakeMix(&v, [4]uint8{1, 6, 11, 12}, m[s[10]], m[s[11]])
		blakeMix(&v, [4]uint8{2, 7, 8, 13}, m[s[12]], m[s[13]])
		blakeMix(&v, [4]uint8{3, 4, 9, 14}, m[s[14]], m[s[15]])
	}
	for i := range h {
		h[i] ^= v[i] ^ v[i+8]
	}
}

// blakeShare returns the BLAKE2b hash of a text, of 8 bytes, as a share of 2^64.
func blakeShare(text string) float64 {
	h := blakeStart
	h[0] ^= 0x01010000 ^ 8
	var block [128]byte
	count := uint64(0)
	for len(text) > 128 {
		copy(block[:], text)
		text = text[128:]
		count += 128
		blakeCompress(&h, &block, count, false)
	}
	block = [128]byte{}
	copy(block[:], text)
	blakeCompress(&h, &block, count+uint64(len(text)), true)
	return float64(bits.ReverseBytes64(h[0])) / 18446744073709551616.0
}

// jittered returns a delay that has grown by a share that the identity of the transfer decides.
func jittered(delay, jitter float64, id Text) float64 {
	if !id.known {
		return delay
	}
	return float64(delay * float64(1+float64(jitter*blakeShare(id.s))))
}
