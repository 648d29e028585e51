// SwiGLU: p = silu(gate) up, with silu(z) = z / (1 + exp(-z)). gu: rows [gate | up] of 2F bf16 values (leading
// dimension ldg); p, dp: F values. F is a multiple of 8, of 32 in the kernels named *_thin.
#include "values.cuh"

// threads: 256. grid: any; T F / 2048 up takes each 8 values once.
KERNEL void BOUNDS(256, 8) swiglu_forward(const bf16 *gu, i64 ldg, bf16 *p, i64 ldp, i64 T, int F) {
  const int per = F / 8;
  i64 n = T * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    i64 t = e / per;
    int c = (int)(e % per) * 8;
    float g[8], u[8];
    unpack8(g, *(const uint4 *)(gu + t * ldg + c));
    unpack8(u, *(const uint4 *)(gu + t * ldg + F + c));
#pragma unroll
    for (int j = 0; j < 8; j++) g[j] = __fdividef(g[j], 1.f + __expf(-g[j])) * u[j];
    *(uint4 *)(p + t * ldp + c) = pack8(g);
  }
}
// dgu = [dp up silu'(gate) | dp silu(gate)]; where p is not null also the product again (what the gradient by the
// weight after it reads), over dp or elsewhere.
KERNEL void BOUNDS(256, 6) swiglu_backward(const bf16 *gu, i64 ldg, const bf16 *dp, i64 lddp, bf16 *dgu, i64 ldd,
                                           bf16 *p, i64 ldp, i64 T, int F) {
  const int per = F / 8;
  i64 n = T * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    i64 t = e / per;
    int c = (int)(e % per) * 8;
    float g[8], u[8], d[8];
    unpack8(g, *(const uint4 *)(gu + t * ldg + c));
    unpack8(u, *(const uint4 *)(gu + t * ldg + F + c));
    unpack8(d, *(const uint4 *)(dp + t * lddp + c));
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float s = __fdividef(1.f, 1.f + __expf(-g[j])), si = g[j] * s, up = u[j];
      u[j] = d[j] * si;
      g[j] = d[j] * up * s * (1.f + g[j] * (1.f - s));
      d[j] = si * up;
    }
    *(uint4 *)(dgu + t * ldd + c) = pack8(g);
    *(uint4 *)(dgu + t * ldd + F + c) = pack8(u);
    if (p) *(uint4 *)(p + t * ldp + c) = pack8(d);
  }
}

// ------------------------------------------------------------------------------------------------ with thin products
// SwiGLU with the adapters' products of rank 16 in the same pass: a block owns 32 rows, its 16 warps take 32 columns at
// a time. The values that a thread has just made are its A fragments of mma.m16n8k16: the columns are dealt to the k
// slots eight to a thread, the same way for both operands, so every access is 16 bytes wide. Partial sums meet in
// shared memory. threads: 512. grid: T / 32 up.

// p, and xa = p A^T into the 16 columns behind p. A: 16 rows of lda values. Shared memory: 16 x 512 floats.
KERNEL void BOUNDS(512, 1)
    swiglu_forward_thin(const bf16 *gu, i64 ldg, bf16 *p, i64 ldp, const bf16 *A, i64 lda, int T, int F) {
  DYN_SMEM(smem);
  float *red = (float *)smem;
  const int w = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3, row0 = blockIdx.x * 32;
  float acc[2][2][4];
#pragma unroll
  for (int i = 0; i < 16; i++) acc[i >> 3][(i >> 2) & 1][i & 3] = 0.f;
  for (int grp = w; grp < F / 32; grp += 16) {
    const int c = grp * 32 + t4 * 8;
    uint4 G[4], U[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const i64 r = row0 + g + 8 * i;
      G[i] = U[i] = make_uint4(0, 0, 0, 0);
      if (r < T) {
        G[i] = *(const uint4 *)(gu + r * ldg + c);
        U[i] = *(const uint4 *)(gu + r * ldg + F + c);
      }
    }
    const uint4 b0 = __ldg((const uint4 *)(A + g * lda + c)), b1 = __ldg((const uint4 *)(A + (g + 8) * lda + c));
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float x[8], u[8];
      unpack8(x, G[i]);
      unpack8(u, U[i]);
#pragma unroll
      for (int j = 0; j < 8; j++) x[j] = __fdividef(x[j], 1.f + __expf(-x[j])) * u[j];
      G[i] = pack8(x);
      if (row0 + g + 8 * i < T) *(uint4 *)(p + (i64)(row0 + g + 8 * i) * ldp + c) = G[i];
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const u32 k0[4] = {G[2 * m].x, G[2 * m + 1].x, G[2 * m].y, G[2 * m + 1].y},
                k1[4] = {G[2 * m].z, G[2 * m + 1].z, G[2 * m].w, G[2 * m + 1].w};
      mma16816(acc[m][0], k0, b0.x, b0.y);
      mma16816(acc[m][0], k1, b0.z, b0.w);
      mma16816(acc[m][1], k0, b1.x, b1.y);
      mma16816(acc[m][1], k1, b1.z, b1.w);
    }
  }
#pragma unroll
  for (int i = 0; i < 16; i++)
    red[w * 512 + ((i >> 3) * 16 + g + ((i >> 1) & 1) * 8) * 16 + ((i >> 2) & 1) * 8 + t4 * 2 + (i & 1)] =
        acc[i >> 3][(i >> 2) & 1][i & 3];
  __syncthreads();
  float s = 0.f;
  for (int i = 0; i < 16; i++) s += red[i * 512 + threadIdx.x];
  const int r = row0 + (int)threadIdx.x / 16;
  if (r < T) p[(i64)r * ldp + F + threadIdx.x % 16] = f2bf(s);
}
// dgu, and gb = dgu (sB) into the 32 columns behind it. B is block-diagonal (gate, up); BT is sB transposed: 16 rows of
// 2F values. Shared memory: 16 x 1024 floats.
KERNEL void BOUNDS(512, 1) swiglu_backward_thin(const bf16 *gu, i64 ldg, const bf16 *dp, i64 lddp, bf16 *dgu, i64 ldd,
                                                const bf16 *BT, int T, int F) {
  DYN_SMEM(smem);
  float *red = (float *)smem;
  const int w = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3, row0 = blockIdx.x * 32;
  float acc[2][2][2][4]; // gate or up; rows; ranks
#pragma unroll
  for (int i = 0; i < 32; i++) acc[i >> 4][(i >> 3) & 1][(i >> 2) & 1][i & 3] = 0.f;
  for (int grp = w; grp < F / 32; grp += 16) {
    const int c = grp * 32 + t4 * 8;
    uint4 G[4], U[4], D[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const i64 r = row0 + g + 8 * i;
      G[i] = U[i] = D[i] = make_uint4(0, 0, 0, 0);
      if (r < T) {
        G[i] = *(const uint4 *)(gu + r * ldg + c);
        U[i] = *(const uint4 *)(gu + r * ldg + F + c);
        D[i] = *(const uint4 *)(dp + r * lddp + c);
      }
    }
    const bf16 *bt = BT + (i64)g * 2 * F + c;
    const uint4 g0 = __ldg((const uint4 *)bt), g1 = __ldg((const uint4 *)(bt + (i64)16 * F)),
                u0 = __ldg((const uint4 *)(bt + F)), u1 = __ldg((const uint4 *)(bt + (i64)16 * F + F));
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float x[8], u[8], d[8];
      unpack8(x, G[i]);
      unpack8(u, U[i]);
      unpack8(d, D[i]);
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float s = __fdividef(1.f, 1.f + __expf(-x[j])), up = u[j];
        u[j] = d[j] * x[j] * s;
        x[j] = d[j] * up * s * (1.f + x[j] * (1.f - s));
      }
      G[i] = pack8(x);
      U[i] = pack8(u);
      if (row0 + g + 8 * i < T) {
        *(uint4 *)(dgu + (i64)(row0 + g + 8 * i) * ldd + c) = G[i];
        *(uint4 *)(dgu + (i64)(row0 + g + 8 * i) * ldd + F + c) = U[i];
      }
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const u32 k0[4] = {G[2 * m].x, G[2 * m + 1].x, G[2 * m].y, G[2 * m + 1].y},
                k1[4] = {G[2 * m].z, G[2 * m + 1].z, G[2 * m].w, G[2 * m + 1].w};
      mma16816(acc[0][m][0], k0, g0.x, g0.y);
      mma16816(acc[0][m][0], k1, g0.z, g0.w);
      mma16816(acc[0][m][1], k0, g1.x, g1.y);
      mma16816(acc[0][m][1], k1, g1.z, g1.w);
      const u32 q0[4] = {U[2 * m].x, U[2 * m + 1].x, U[2 * m].y, U[2 * m + 1].y},
                q1[4] = {U[2 * m].z, U[2 * m + 1].z, U[2 * m].w, U[2 * m + 1].w};
      mma16816(acc[1][m][0], q0, u0.x, u0.y);
      mma16816(acc[1][m][0], q1, u0.z, u0.w);
      mma16816(acc[1][m][1], q0, u1.x, u1.y);
      mma16816(acc[1][m][1], q1, u1.z, u1.w);
    }
  }
#pragma unroll
  for (int i = 0; i < 32; i++)
    red[w * 1024 + (((i >> 3) & 1) * 16 + g + ((i >> 1) & 1) * 8) * 32 + (i >> 4) * 16 + ((i >> 2) & 1) * 8 + t4 * 2 +
        (i & 1)] = acc[i >> 4][(i >> 3) & 1][(i >> 2) & 1][i & 3];
  __syncthreads();
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int e = h * 512 + threadIdx.x, r = row0 + e / 32;
    float s = 0.f;
    for (int i = 0; i < 16; i++) s += red[i * 1024 + e];
    if (r < T) dgu[(i64)r * ldd + 2 * F + e % 32] = f2bf(s);
  }
}
