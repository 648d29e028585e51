// Products of one row with a matrix in blocks of 4 or 8 bits, whose bytes are read once and become numbers in registers.
// As in single.cu every block of threads holds the row and every warp takes two of the matrix' rows at a time.
//
// FORM: Q8_0 (32 x i8), Q4_0 (32 x 4 bits around 8) or Q4_K (256 x 4 bits; 16 bytes in front of them hold f16 scale and
// minimum, and eight of 6 bits each under these). q: the rows' quants, of Q4_K with what is in front; scales: an f16 for
// every 32 values, else. A lane loads 16 bytes of quants, a chunk: 16 or 32 values. A warp's loads lie side by side: 512
// bytes of quants, and of Q4_K 576, whose heads are read by eight lanes at once.
//
// x is f32, normed where there is the weight of a norm, or (*_bf16) bf16; R values `inner` of an adapter go with rows of b,
// which has zeros behind R up to a multiple of 8. K is a multiple of the blocks' values. Shared memory: K floats, of
// 4 bits K / 16 more, R up to a multiple of 8. threads: 256. grid: any; N / 16 up takes each row once.
//
// What it can reach, by reckoning for an H200 (4.8 TB/s; 132 multiprocessors of 128 lanes, 64 of them for integers, at 1.75
// GHz); no card has run it. Instructions are those of the loops that NVRTC 12.9 makes for sm_90a.
//   bytes a weight: 2 (bf16), 1.06 (8 bits), 0.56 (4 bits), so memory gives 2.4, 4.5, 8.5 T weights/s.
//   Q4_K: 4.3 instructions a weight, of which 2.1 are for integers (a mask each, a shift for two, scales and minima) and
//     1.2 products: 6.8 T weights/s by issue, 7.2 by the integers' lanes: 0.8 of what memory gives, 2.8 times bf16.
//   Q4_0: 3.2; above memory's 8.5 T. Q8_0: 4.0 (a byte moved, a subtraction, a product, ...): 7.3 T, above memory's 4.5.
//   x from shared memory, 4 bytes a weight for two rows at once: 73 of 128 bytes a cycle at 8.5 T weights/s.
//   in flight: two rows, two chunks (four of 8 bits) each: 2.3 KB a warp, 37 KB for 16 warps; 4.8 TB/s x 0.7 us is 25 KB
//     a multiprocessor.
// The row is staged while the first two rows of the matrix come into the L2 cache.
#include "half.cuh"
#include "values.cuh"

// Values of a chunk, and chunks of a row whose loads are in flight at once.
#if FORM == Q8_0
#define VALUES 16
#else
#define VALUES 32
#endif
static constexpr int AT_ONCE = 64 / VALUES;

#ifdef EMU
DEV void prefetch(const void *) {}
DEV float byte_over_2_23(u32 v, int i) { return __uint_as_float(0x4b000000u | ((v >> (8 * i)) & 255u)); }
#else
DEV void prefetch(const void *p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(p)); }
// 2^23 + byte i.
DEV float byte_over_2_23(u32 v, int i) { return __uint_as_float(__byte_perm(v, 0x4b000000u, 0x7440 + i)); }
#endif

// The matrix: its rows' quants and scales, and how far apart they are.
struct Matrix {
  const unsigned char *q;
  const unsigned short *scales;
  int bytes, K;
};
DEV const unsigned char *row_of(const Matrix &m, i64 r) { return m.q + r * m.bytes; }
DEV const unsigned short *scales_of(const Matrix &m, i64 r) { return m.scales + r * (m.K / 32); }
DEV Matrix matrix_of(const unsigned char *q, const unsigned short *scales, int K) {
#if FORM == Q8_0
  return {q, scales, K, K};
#elif FORM == Q4_0
  return {q, scales, K / 2, K};
#else
  return {q, scales, K / 256 * 144, K};
#endif
}

// What lies in shared memory: x in planes of four values of each chunk, so that lanes beside each other read beside each
// other, of 4 bits the low nibbles' first; sums of x over each chunk's low and high nibbles; inner.
struct Row {
  float4 *x;
  float2 *sums;
  float *inner;
  int chunks;
  // The bits of 256.f and 16.f, so made that the compiler does not know them: an instruction has room for one number that
  // it knows, and the mask is one.
  u32 over_256, over_16;
};
// Where the values from v on go, a multiple of 8: there, and into the plane behind.
DEV int place(int chunks, int v) {
#if FORM == Q8_0
  return v % 16 / 4 * chunks + v / 16;
#elif FORM == Q4_0
  return v % 32 / 4 * chunks + v / 32;
#else
  return (v % 64 / 32 * 4 + v % 16 / 4) * chunks + v / 64 * 2 + v % 32 / 16;
#endif
}
DEV float sum4(float4 v) { return v.x + v.y + v.z + v.w; }

template <class X>
DEV Row stage(unsigned char *smem, const X *x, const bf16 *norm, const float *inner, int K, int R, float eps) {
  __shared__ float tmp[33];
  const int chunks = K / VALUES;
  const int behind = K * 4 + (FORM == Q8_0 ? 0 : chunks * 8);
  const u32 zero = (u32)K >> 31;
  const Row row = {(float4 *)smem, (float2 *)(smem + K * 4), (float *)(smem + behind), chunks, 0x43800000u | zero,
                   0x41800000u | zero};
  float squares = 0.f, f[8];
  for (int v = threadIdx.x * 8; v < K; v += blockDim.x * 8) {
    ld8(f, x + v);
    const int at = place(chunks, v);
    row.x[at] = make_float4(f[0], f[1], f[2], f[3]);
    row.x[at + chunks] = make_float4(f[4], f[5], f[6], f[7]);
#pragma unroll
    for (int i = 0; i < 8; i++) squares += f[i] * f[i];
  }
  for (int i = threadIdx.x; i < (R + 7) / 8 * 8; i += blockDim.x) row.inner[i] = i < R ? inner[i] : 0.f;
  if (norm) {
    const float r = rsqrtf(block_sum(squares, tmp) / K + eps);
    for (int v = threadIdx.x * 8; v < K; v += blockDim.x * 8) {
      const int at = place(chunks, v);
      const float4 a = row.x[at], b = row.x[at + chunks];
      ld8(f, norm + v);
      row.x[at] = make_float4(a.x * r * f[0], a.y * r * f[1], a.z * r * f[2], a.w * r * f[3]);
      row.x[at + chunks] = make_float4(b.x * r * f[4], b.y * r * f[5], b.z * r * f[6], b.w * r * f[7]);
    }
  }
  __syncthreads();
#if FORM != Q8_0
  for (int c = threadIdx.x; c < chunks; c += blockDim.x) {
    float low = 0.f, high = 0.f;
#pragma unroll
    for (int p = 0; p < 4; p++) {
      low += sum4(row.x[p * chunks + c]);
      high += sum4(row.x[(p + 4) * chunks + c]);
    }
    row.sums[c] = make_float2(low, high);
  }
  __syncthreads();
#endif
  return row;
}
// Rows of the matrix on their way into the L2 cache, by a warp.
DEV void fetch(const Matrix &m, i64 r) {
  for (int at = (threadIdx.x & 31) * 128; at < m.bytes; at += 32 * 128) prefetch(row_of(m, r) + at);
}

#if FORM == Q8_0
struct Chunk {
  uint4 q;
  u32 scale;
};
DEV Chunk load(const Matrix &m, i64 r, int c) {
  return {__ldg((const uint4 *)row_of(m, r) + c), __ldg(scales_of(m, r) + c / 2)};
}
DEV void add4(u32 v, float4 x, float &sum) {
  const u32 u = v ^ 0x80808080u;
  const float zero = 8388736.f; // 2^23 + 128
  sum += (byte_over_2_23(u, 0) - zero) * x.x;
  sum += (byte_over_2_23(u, 1) - zero) * x.y;
  sum += (byte_over_2_23(u, 2) - zero) * x.z;
  sum += (byte_over_2_23(u, 3) - zero) * x.w;
}
DEV void add_chunk(const Chunk &a, const Chunk &b, const Row &row, int c, float &y0, float &y1) {
  const u32 p[4] = {a.q.x, a.q.y, a.q.z, a.q.w}, q[4] = {b.q.x, b.q.y, b.q.z, b.q.w};
  float s0 = 0.f, s1 = 0.f;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float4 x = row.x[i * row.chunks + c];
    add4(p[i], x, s0);
    add4(q[i], x, s1);
  }
  y0 += h2f(a.scale) * s0;
  y1 += h2f(b.scale) * s1;
}
#else
// Four bytes: their low nibbles times l, their high ones times h. A nibble becomes a number by its place in a float's
// bits: 256 + n from bit 15 on, 16 + n from bit 19 on. What that is too much goes with the sums of x.
#define TOO_MUCH_LOW 256.f
#define TOO_MUCH_HIGH 16.f
DEV void add4(u32 v, float4 l, float4 h, const Row &row, float &sl, float &sh) {
  const u32 w0 = v << 15, w1 = v << 7, w2 = v >> 1, w3 = v >> 9;
  sl += __uint_as_float((w0 & 0x78000u) | row.over_256) * l.x;
  sh += __uint_as_float((w0 & 0x780000u) | row.over_16) * h.x;
  sl += __uint_as_float((w1 & 0x78000u) | row.over_256) * l.y;
  sh += __uint_as_float((w1 & 0x780000u) | row.over_16) * h.y;
  sl += __uint_as_float((w2 & 0x78000u) | row.over_256) * l.z;
  sh += __uint_as_float((w2 & 0x780000u) | row.over_16) * h.z;
  sl += __uint_as_float((w3 & 0x78000u) | row.over_256) * l.w;
  sh += __uint_as_float((w3 & 0x780000u) | row.over_16) * h.w;
}
#if FORM == Q4_0
struct Chunk {
  uint4 q;
  u32 scale;
};
DEV Chunk load(const Matrix &m, i64 r, int c) {
  return {__ldg((const uint4 *)row_of(m, r) + c), __ldg(scales_of(m, r) + c)};
}
// scale x (n - 8), summed.
DEV float scaled(const Chunk &a, int, float sl, float sh, float2 sums) {
  return h2f(a.scale) * (sl + sh - (TOO_MUCH_LOW + 8.f) * sums.x - (TOO_MUCH_HIGH + 8.f) * sums.y);
}
#else
struct Chunk {
  uint4 q, head;
};
DEV Chunk load(const Matrix &m, i64 r, int c) {
  const uint4 *block = (const uint4 *)(row_of(m, r) + c / 8 * 144);
  return {__ldg(block + 1 + c % 8), __ldg(block)};
}
// scale x n - minimum, summed. Chunk c of a block has groups 2j (low nibbles) and 2j + 1, j = c / 2; the 6 bits of the
// first four groups lie in two words, those of the others in the third and in the first two's upper bits.
DEV float scaled(const Chunk &a, int c, float sl, float sh, float2 sums) {
  const int j = c % 8 / 2, shift = 16 * (j & 1);
  const u32 s = a.head.y >> shift, m = a.head.z >> shift, both = a.head.w >> shift;
  const u32 scale = j < 2 ? s : (both & 0x0f0fu) | ((s >> 2) & 0x3030u);
  const u32 minimum = j < 2 ? m : ((both >> 4) & 0x0f0fu) | ((m >> 2) & 0x3030u);
  const float d = h2f(a.head.x & 0xffff), dmin = h2f(a.head.x >> 16);
  const float dl = d * (float)(scale & 63), dh = d * (float)((scale >> 8) & 63);
  const float ml = dmin * (float)(minimum & 63), mh = dmin * (float)((minimum >> 8) & 63);
  return dl * sl - (TOO_MUCH_LOW * dl + ml) * sums.x + dh * sh - (TOO_MUCH_HIGH * dh + mh) * sums.y;
}
#endif
DEV void add_chunk(const Chunk &a, const Chunk &b, const Row &row, int c, float &y0, float &y1) {
  const u32 p[4] = {a.q.x, a.q.y, a.q.z, a.q.w}, q[4] = {b.q.x, b.q.y, b.q.z, b.q.w};
  float l0 = 0.f, h0 = 0.f, l1 = 0.f, h1 = 0.f;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float4 l = row.x[i * row.chunks + c], h = row.x[(i + 4) * row.chunks + c];
    add4(p[i], l, h, row, l0, h0);
    add4(q[i], l, h, row, l1, h1);
  }
  const float2 sums = row.sums[c];
  y0 += scaled(a, c, l0, h0, sums);
  y1 += scaled(b, c, l1, h1, sums);
}
#endif

// The row's products with two rows of the matrix, and of inner with theirs of b, for every lane.
DEV void dot2(const Matrix &m, i64 r0, i64 r1, const bf16 *b, i64 ldb, const Row &row, int R, float &y0, float &y1) {
  const int lane = threadIdx.x & 31;
  float a0 = 0.f, a1 = 0.f;
#pragma unroll AT_ONCE
  for (int c = lane; c < row.chunks; c += 32) add_chunk(load(m, r0, c), load(m, r1, c), row, c, a0, a1);
  for (int c = lane * 8; c < R; c += 256) {
    float f[8], g[8];
    ld8(f, b + r0 * ldb + c);
    ld8(g, b + r1 * ldb + c);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      a0 += f[i] * row.inner[c + i];
      a1 += g[i] * row.inner[c + i];
    }
  }
  y0 = warp_sum(a0);
  y1 = warp_sum(a1);
}

// What becomes of a product: one of the two is not null. narrow = y; wide = y, or where `add` is not 0, wide += y.
template <class X>
DEV void product_(unsigned char *smem, const Matrix &m, const X *x, const bf16 *norm, const float *inner, const bf16 *b,
                  i64 ldb, bf16 *narrow, float *wide, int N, int R, float eps, int add) {
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, first = (blockIdx.x * 8 + warp) * 2;
  for (int r = first; r < min(first + 2, N); r++) fetch(m, r);
  const Row row = stage(smem, x, norm, inner, m.K, R, eps);
  for (int r = first; r < N; r += gridDim.x * 16) {
    const int next = min(r + 1, N - 1);
    float y[2];
    dot2(m, r, next, b, ldb, row, R, y[0], y[1]);
    const int to = r + lane;
    if (lane > next - r) continue;
    const float own = lane ? y[1] : y[0];
    if (narrow)
      narrow[to] = f2bf(own);
    else
      wide[to] = add ? wide[to] + own : own;
  }
}
KERNEL void BOUNDS(256, 3)
    blocks_product(const unsigned char *q, const unsigned short *scales, const float *x, const bf16 *norm,
                   const float *inner, const bf16 *b, i64 ldb, bf16 *narrow, float *wide, int N, int K, int R,
                   float eps, int add) {
  DYN_SMEM(smem);
  product_(smem, matrix_of(q, scales, K), x, norm, inner, b, ldb, narrow, wide, N, R, eps, add);
}
KERNEL void BOUNDS(256, 3)
    blocks_product_bf16(const unsigned char *q, const unsigned short *scales, const bf16 *x, const bf16 *norm,
                        const float *inner, const bf16 *b, i64 ldb, bf16 *narrow, float *wide, int N, int K, int R,
                        float eps, int add) {
  DYN_SMEM(smem);
  product_(smem, matrix_of(q, scales, K), x, norm, inner, b, ldb, narrow, wide, N, R, eps, add);
}
// p = silu(gate) up, where the matrix has the rows of the gates, then those of the ups; F of each.
KERNEL void BOUNDS(256, 3)
    blocks_gate_up(const unsigned char *q, const unsigned short *scales, const float *x, const bf16 *norm,
                   const float *inner, const bf16 *b, i64 ldb, float *p, int F, int K, int R, float eps) {
  DYN_SMEM(smem);
  const Matrix m = matrix_of(q, scales, K);
  const int first = blockIdx.x * 8 + (threadIdx.x >> 5);
  if (first < F) {
    fetch(m, first);
    fetch(m, F + first);
  }
  const Row row = stage(smem, x, norm, inner, K, R, eps);
  for (int r = first; r < F; r += gridDim.x * 8) {
    float gate, up;
    dot2(m, r, F + r, b, ldb, row, R, gate, up);
    if ((threadIdx.x & 31) == 0) p[r] = __fdividef(gate, 1.f + __expf(-gate)) * up;
  }
}
