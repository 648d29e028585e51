// Embedding: row `token[t]` of the table becomes row t; and the gradient by the table. table: [V, C] bf16; C a multiple
// of 8.
#include "values.cuh"

// x[t] = table[token[t]], into the residual stream, f32 or (*_bf16) bf16: [T, C]. grid: T. threads: 256.
template <class X> DEV void embed_(const int *tok, const bf16 *table, X *x, int C) {
  const bf16 *row = table + (i64)tok[blockIdx.x] * C;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8) {
    float f[8];
    ld8(f, row + c);
    st8(x + (i64)blockIdx.x * C + c, f);
  }
}
KERNEL void embed(const int *tok, const bf16 *table, float *x, int C) { embed_(tok, table, x, C); }
KERNEL void embed_bf16(const int *tok, const bf16 *table, bf16 *x, int C) { embed_(tok, table, x, C); }

// Adds the rows of g (f32, [T, C]) to the rows of their tokens in `gradient` (f32, [V, C]): to row token[u] the rows
// rows[start[u]..start[u + 1]], in this order and from what it holds. The same sums each time, without atomics. Tokens
// differ. grid: (tokens, columns / 1024 up). threads: 128, 8 columns each.
KERNEL void BOUNDS(128, 8)
    embed_backward(const float *g, const int *token, const int *start, const int *rows, float *gradient, int C) {
  const int c = (blockIdx.y * blockDim.x + threadIdx.x) * 8;
  if (c >= C) return;
  float *out = gradient + token[blockIdx.x] * (i64)C + c;
  float sum[8], f[8];
  ld8(sum, out);
  for (int i = start[blockIdx.x]; i < start[blockIdx.x + 1]; i++) {
    ld8(f, g + rows[i] * (i64)C + c);
#pragma unroll
    for (int j = 0; j < 8; j++) sum[j] += f[j];
  }
  st8(out, sum);
}
