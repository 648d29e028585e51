// What is done to rows value by value: taken, summed, rounded, added, dropped. C columns in rows of a leading
// dimension.
#include "values.cuh"

// Row n of `to` becomes row index[n] of `from`. C and the leading dimensions are multiples of 8. grid: rows of `to`.
// threads: 256.
KERNEL void gather_rows(const bf16 *from, i64 ldf, const int *index, bf16 *to, i64 ldt, int C) {
  const bf16 *row = from + index[blockIdx.x] * ldf;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8)
    *(uint4 *)(to + blockIdx.x * ldt + c) = *(const uint4 *)(row + c);
}
// Row index[n] of `to` gets factor x row n of `from` added; no row is twice in index, and a row below 0 is left out.
// grid: rows of `from`. threads: 256.
KERNEL void scatter_add(const float *from, i64 ldf, const int *index, float factor, float *to, i64 ldt, int C) {
  if (index[blockIdx.x] < 0) return;
  float *row = to + index[blockIdx.x] * ldt;
  for (int c = threadIdx.x; c < C; c += blockDim.x) row[c] += factor * from[blockIdx.x * ldf + c];
}

// out[c] = sum over the parts of partial[b][c], in their order, onto what is there where `add` is not 0. grid: C / 256
// up. threads: 256.
KERNEL void BOUNDS(256, 8) sum_rows(const float *partial, int parts, int C, float *out, int add) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= C) return;
  float s = add ? out[c] : 0.f;
  for (int b = 0; b < parts; b++) s += partial[(i64)b * C + c];
  out[c] = s;
}
// partial[b][c] = sum of x over the `rows` rows from b rows on; `sum_rows` adds the parts up: the gradient by a bias.
// grid: (columns / 1024 up, T / rows up). threads: 128, 8 columns each.
KERNEL void BOUNDS(128, 8) column_sums(const bf16 *x, i64 ldx, float *partial, int T, int C, int rows) {
  const int c = (blockIdx.x * blockDim.x + threadIdx.x) * 8, t0 = blockIdx.y * rows;
  if (c >= C) return;
  float sum[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, f[8];
  for (i64 t = t0; t < min(t0 + rows, T); t++) {
    ld8(f, x + t * ldx + c);
#pragma unroll
    for (int j = 0; j < 8; j++) sum[j] += f[j];
  }
  st8(partial + (i64)blockIdx.y * C + c, sum);
}

// Below: threads 256; grid any, and the values / (256 a thread's values) up takes each once.

// x += bias, row by row; bias: [C] bf16. C is a multiple of 8.
KERNEL void BOUNDS(256, 8) add_bias(bf16 *x, i64 ldx, const bf16 *bias, i64 T, int C) {
  const int per = C / 8;
  const i64 n = T * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const int c = (int)(e % per) * 8;
    bf16 *p = x + e / per * ldx + c;
    float a[8], b[8];
    ld8(a, p);
    ld8(b, bias + c);
#pragma unroll
    for (int j = 0; j < 8; j++) a[j] += b[j];
    st8(p, a);
  }
}
// to = factor x from, rounded to bf16. One value a thread.
KERNEL void BOUNDS(256, 8) round_rows(const float *from, i64 ldf, bf16 *to, i64 ldt, i64 rows, int C, float factor) {
  const i64 n = rows * C;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x)
    to[e / C * ldt + e % C] = f2bf(from[e / C * ldf + e % C] * factor);
}
// to = from, as f32. One value a thread.
KERNEL void BOUNDS(256, 8) widen_rows(const bf16 *from, i64 ldf, float *to, i64 ldt, i64 rows, int C) {
  const i64 n = rows * C;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x)
    to[e / C * ldt + e % C] = bf2f(from[e / C * ldf + e % C]);
}
// y += factor x. One value a thread.
KERNEL void BOUNDS(256, 8) add_scaled(float *y, const float *x, i64 n, float factor) {
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x)
    y[e] += factor * x[e];
}

// splitmix64's finaliser.
DEV u64 mixed(u64 v) {
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
  return v ^ (v >> 31);
}
// y = x with some values 0 and the others times factor: value (t, c) is dropped if the upper half of mixed(seed + t C +
// c) is below `threshold`. The processor's mask. Its own backward. y may be x. C is a multiple of 8; 8 values a thread.
KERNEL void BOUNDS(256, 8)
    dropout(const bf16 *x, i64 ldx, bf16 *y, i64 ldy, i64 T, int C, u64 seed, u64 threshold, float factor) {
  const int per = C / 8;
  const i64 n = T * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const i64 t = e / per;
    const int c = (int)(e % per) * 8;
    float f[8];
    ld8(f, x + t * ldx + c);
#pragma unroll
    for (int j = 0; j < 8; j++) f[j] *= mixed(seed + (u64)(t * C + c + j)) >> 32 < threshold ? 0.f : factor;
    st8(y + t * ldy + c, f);
  }
}
