// Products of two to eight rows with a matrix in blocks of 4 or 8 bits, whose bytes are read once for all of them: what a
// small batch of generated tokens costs. FORM, q, scales: as in single_blocks.cu.
//
// y = [x | inner] [W | b]^T: x has T rows of K values and R behind these, bf16; b is bf16, R columns. A block of threads
// takes 16 rows of W, its eight warps take parts of K in turns and put their sums together. A warp multiplies 32 values of
// 16 rows with all rows of x at once: two mma.sync of the quants as small whole numbers, which bf16 holds exactly, in f32,
// then times the scale. Which lane has which values of a group is the quants' order; x follows it. threads: 256. grid:
// N / 16 up.
//
// By reckoning (see single_blocks.cu) 3.3 instructions a weight of Q4_K however many rows there are, so as one row alone;
// the rows of x come from the L1 and L2 caches, 1.8 bytes for a byte of weights at eight rows. No card has run it.
#include "half.cuh"
#include "values.cuh"

// A lane's eight values of a group of 32: of the rows g and g + 8 of the matrix, and of row g of x; g = lane / 4.
struct Lanes {
  u32 low[4], high[4], x[4];
};
// Adds the group's products: scale x (sum of values x) - offset x (sum of x), by row.
DEV void add_group(float (&y)[4], const Lanes &v, float scale0, float offset0, float scale8, float offset8) {
  float d[4] = {0.f, 0.f, 0.f, 0.f};
  const u32 first[4] = {v.low[0], v.high[0], v.low[1], v.high[1]}, second[4] = {v.low[2], v.high[2], v.low[3], v.high[3]};
  mma16816(d, first, v.x[0], v.x[1]);
  mma16816(d, second, v.x[2], v.x[3]);
#if FORM == Q8_0
  y[0] += scale0 * d[0];
  y[1] += scale0 * d[1];
  y[2] += scale8 * d[2];
  y[3] += scale8 * d[3];
#else
  float s[4] = {0.f, 0.f, 0.f, 0.f};
  const u32 ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
  mma16816(s, ones, v.x[0], v.x[1]);
  mma16816(s, ones, v.x[2], v.x[3]);
  y[0] += scale0 * d[0] - offset0 * s[0];
  y[1] += scale0 * d[1] - offset0 * s[1];
  y[2] += scale8 * d[2] - offset8 * s[2];
  y[3] += scale8 * d[3] - offset8 * s[3];
#endif
}
// 128 + n of the nibbles 0 and 4 of a word, in bf16.
DEV u32 over_128(u32 w) { return (w & 0x000f000fu) | 0x43004300u; }
// Values 0 and 2, and 1 and 3, of four.
DEV u32 even(u32 a, u32 b) { return (a & 0xffffu) | (b << 16); }
DEV u32 odd(u32 a, u32 b) { return (a >> 16) | (b & 0xffff0000u); }

#if FORM == Q8_0
#define UNIT 32
DEV u32 two(u32 v, int i) {
  return pack2((float)(signed char)((v >> (8 * i)) & 255u), (float)(signed char)((v >> (8 * i + 8)) & 255u));
}
DEV void eight(u32 (&a)[4], const unsigned char *p) {
  const uint2 v = __ldg((const uint2 *)p);
  a[0] = two(v.x, 0);
  a[1] = two(v.x, 2);
  a[2] = two(v.y, 0);
  a[3] = two(v.y, 2);
}
DEV void add_unit(float (&y)[4], const unsigned char *q, const unsigned short *scales, i64 r0, i64 r8, int u, int K,
                  const bf16 *x, bool has, int t) {
  Lanes v;
  eight(v.low, q + r0 * K + u * 32 + t * 8);
  eight(v.high, q + r8 * K + u * 32 + t * 8);
  const uint4 own = has ? __ldg((const uint4 *)(x + u * 32 + t * 8)) : make_uint4(0, 0, 0, 0);
  v.x[0] = own.x;
  v.x[1] = own.y;
  v.x[2] = own.z;
  v.x[3] = own.w;
  add_group(y, v, h2f(scales[r0 * (K / 32) + u]), 0.f, h2f(scales[r8 * (K / 32) + u]), 0.f);
}
#elif FORM == Q4_0
#define UNIT 32
DEV void eight(u32 (&a)[4], const unsigned char *p) {
  const u32 v = __ldg((const u32 *)p);
  a[0] = over_128(v);
  a[1] = over_128(v >> 8);
  a[2] = over_128(v >> 4);
  a[3] = over_128(v >> 12);
}
DEV void add_unit(float (&y)[4], const unsigned char *q, const unsigned short *scales, i64 r0, i64 r8, int u, int K,
                  const bf16 *x, bool has, int t) {
  Lanes v;
  eight(v.low, q + (r0 * (K / 32) + u) * 16 + t * 4);
  eight(v.high, q + (r8 * (K / 32) + u) * 16 + t * 4);
  uint2 first = make_uint2(0, 0), second = first;
  if (has) {
    first = __ldg((const uint2 *)(x + u * 32 + t * 4));
    second = __ldg((const uint2 *)(x + u * 32 + 16 + t * 4));
  }
  v.x[0] = even(first.x, first.y);
  v.x[1] = odd(first.x, first.y);
  v.x[2] = even(second.x, second.y);
  v.x[3] = odd(second.x, second.y);
  const float d0 = h2f(scales[r0 * (K / 32) + u]), d8 = h2f(scales[r8 * (K / 32) + u]);
  add_group(y, v, d0, 136.f * d0, d8, 136.f * d8);
}
#else
#define UNIT 64
// Scales and, with 128 times these, minima of the two groups of a unit; j: the unit's place in its block.
DEV void scales_of(uint4 head, int j, float (&scale)[2], float (&offset)[2]) {
  const int shift = 16 * (j & 1);
  const u32 s = head.y >> shift, m = head.z >> shift, both = head.w >> shift;
  const u32 scales = j < 2 ? s : (both & 0x0f0fu) | ((s >> 2) & 0x3030u);
  const u32 minima = j < 2 ? m : ((both >> 4) & 0x0f0fu) | ((m >> 2) & 0x3030u);
  const float d = h2f(head.x & 0xffff), dmin = h2f(head.x >> 16);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    scale[i] = d * (float)((scales >> (8 * i)) & 63);
    offset[i] = 128.f * scale[i] + dmin * (float)((minima >> (8 * i)) & 63);
  }
}
DEV void eight(u32 (&a)[4], uint2 v, int shift) {
  a[0] = over_128(v.x >> shift);
  a[1] = over_128(v.x >> (shift + 8));
  a[2] = over_128(v.y >> shift);
  a[3] = over_128(v.y >> (shift + 8));
}
DEV void add_unit(float (&y)[4], const unsigned char *q, const unsigned short *, i64 r0, i64 r8, int u, int K,
                  const bf16 *x, bool has, int t) {
  const unsigned char *b0 = q + (r0 * (K / 256) + u / 4) * 144, *b8 = q + (r8 * (K / 256) + u / 4) * 144;
  const int j = u % 4, at = 16 + 32 * j + t * 8;
  const uint2 v0 = __ldg((const uint2 *)(b0 + at)), v8 = __ldg((const uint2 *)(b8 + at));
  float scale0[2], offset0[2], scale8[2], offset8[2];
  scales_of(__ldg((const uint4 *)b0), j, scale0, offset0);
  scales_of(__ldg((const uint4 *)b8), j, scale8, offset8);
#pragma unroll
  for (int i = 0; i < 2; i++) {
    Lanes v;
    eight(v.low, v0, 4 * i);
    eight(v.high, v8, 4 * i);
    const uint4 own = has ? __ldg((const uint4 *)(x + u * 64 + i * 32 + t * 8)) : make_uint4(0, 0, 0, 0);
    v.x[0] = even(own.x, own.y);
    v.x[1] = odd(own.x, own.y);
    v.x[2] = even(own.z, own.w);
    v.x[3] = odd(own.z, own.w);
    add_group(y, v, scale0[i], offset0[i], scale8[i], offset8[i]);
  }
}
#endif

// narrow = y, or wide = y, onto `onto` where there is one; one of the two is not null.
KERNEL void BOUNDS(256, 2)
    blocks_few(const unsigned char *q, const unsigned short *scales, const bf16 *x, i64 ldx, const bf16 *b, i64 ldb,
               bf16 *narrow, const float *onto, float *wide, i64 ldy, int N, int K, int R, int T) {
  __shared__ float parts[8][16][9];
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3, first = blockIdx.x * 16;
  const int r0 = min(first + g, N - 1), r8 = min(first + g + 8, N - 1);
  float y[4] = {0.f, 0.f, 0.f, 0.f};
#pragma unroll 2
  for (int u = warp; u < K / UNIT; u += 8) add_unit(y, q, scales, r0, r8, u, K, x + g * ldx, g < T, t);
  parts[warp][g][2 * t] = y[0];
  parts[warp][g][2 * t + 1] = y[1];
  parts[warp][g + 8][2 * t] = y[2];
  parts[warp][g + 8][2 * t + 1] = y[3];
  __syncthreads();
  const int n = threadIdx.x & 15, row = threadIdx.x >> 4;
  if (row >= T || first + n >= N) return;
  float sum = 0.f;
#pragma unroll
  for (int w = 0; w < 8; w++) sum += parts[w][n][row];
  for (int r = 0; r < R; r++) sum += bf2f(x[row * ldx + K + r]) * bf2f(b[(first + n) * ldb + r]);
  const i64 to = row * ldy + first + n;
  if (narrow)
    narrow[to] = f2bf(sum);
  else
    wide[to] = onto ? onto[to] + sum : sum;
}
