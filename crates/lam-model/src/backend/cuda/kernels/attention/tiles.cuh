// Attention's building blocks: tiles in shared memory, products of a warpgroup (64 rows) over them, rows on their way
// out. The products are either mma.sync (WG = false: ldmatrix and mma, any card from sm_80) or wgmma (WG = true,
// sm_90a); both keep the accumulator in the same registers.
//
// A tile has its columns in groups of 64, each [rows][64] with 128 B a row, and the 16-byte piece c of row r at c ^ (r
// & 7): what ldmatrix reads without bank conflicts, and what wgmma calls the 128-byte swizzle. A head of 80 or 96
// values lies in tiles of 128, of which the products read only its own columns.
#pragma once
#include "../values.cuh"
#include "wgmma.cuh"

// Columns of a head's tiles.
constexpr int padded(int d) { return (d + 63) / 64 * 64; }

struct AttnShape {
  int T, H, HKV; // tokens, query heads, key-value heads
  i64 ld, ldo;   // leading dimensions of queries, keys and values; of the output, and of the gradient by it
  float scale;   // of the scores: 1 / sqrt(D)
};

DEV u32 tile_off(int rows, int r, int c16) {
  return (u32)((c16 >> 3) * rows * 128 + r * 128 + (((c16 & 7) ^ (r & 7)) << 4));
}

// Rows from r0 on into a tile; rows at or past `limit` become zero, and so do columns past D.
template <int ROWS, int D, int NT> DEV void load_tile(u32 dst, const bf16 *src, i64 ld, int r0, int limit) {
  constexpr int DP = padded(D), C = DP / 8, STEP = NT / C; // STEP is a multiple of 8: a thread's rows have one swizzle
  const int r = (int)threadIdx.x / C, c = (int)threadIdx.x % C;
  const bf16 *p = src + (i64)(r0 + r) * ld + c * 8;
  const u32 d = dst + tile_off(ROWS, r, c);
  const int left = D == DP || c * 8 < D ? limit - r0 - r : 0;
#pragma unroll
  for (int i = 0; i < ROWS / STEP; i++, p += STEP * ld)
    cp_async16(d + i * STEP * 128, p, i * STEP < left); // not read where false
}

// acc[64 x N] (+)= A[64 x D] B[N x D]^T; both in shared memory. A's rows start at row `ar` of a tile of AROWS rows.
// wgmma: only issues; the caller fences before and commits after.
template <bool WG, int N, int D, int AROWS, int BROWS> DEV void mm_ss(float (&acc)[N / 8][4], u32 a, int ar, u32 b) {
  if constexpr (WG) {
    const u64 a0 = wg_desc(a + ar * 128, 16, 1024), b0 = wg_desc(b, 16, 1024);
#pragma unroll
    for (int kk = 0; kk < D / 16; kk++) {
      const u64 da = a0 + (((kk >> 2) * AROWS * 128 + (kk & 3) * 32) >> 4),
                db = b0 + (((kk >> 2) * BROWS * 128 + (kk & 3) * 32) >> 4);
      if constexpr (N == 64)
        wgmma_n64_ss_k(acc, da, db, kk > 0);
      else if constexpr (N == 96)
        wgmma_n96_ss_k(acc, da, db, kk > 0);
      else
        wgmma_n128_ss_k(acc, da, db, kk > 0);
    }
  } else {
    int lane = threadIdx.x & 31, w = (threadIdx.x >> 5) & 3;
#pragma unroll
    for (int j = 0; j < N / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i++) acc[j][i] = 0.f;
#pragma unroll
    for (int kk = 0; kk < D / 16; kk++) {
      u32 af[4];
      ldm4(af, a + tile_off(AROWS, ar + w * 16 + (lane & 15), kk * 2 + (lane >> 4)));
#pragma unroll
      for (int j = 0; j < N / 16; j++) {
        u32 bf[4];
        ldm4(bf, b + tile_off(BROWS, j * 16 + (lane & 7) + ((lane >> 4) << 3), kk * 2 + ((lane >> 3) & 1)));
        mma16816(acc[2 * j], af, bf[0], bf[1]);
        mma16816(acc[2 * j + 1], af, bf[2], bf[3]);
      }
    }
  }
}

// acc[64 x D] += A[64 x K] B[K x D]; A in registers as fragments, B a tile of K rows.
template <bool WG, int K, int D> DEV void mm_rs(float (&acc)[D / 8][4], const u32 (&a)[K / 16][4], u32 b) {
  if constexpr (WG) {
    const u64 b0 = wg_desc(b, K * 128, 1024);
#pragma unroll
    for (int kk = 0; kk < K / 16; kk++) {
      const u64 db = b0 + kk * 128;
      if constexpr (D == 64)
        wgmma_n64_rs_mn(acc, a[kk], db, 1);
      else
        wgmma_n128_rs_mn(acc, a[kk], db, 1);
    }
  } else {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int kk = 0; kk < K / 16; kk++)
#pragma unroll
      for (int j = 0; j < D / 16; j++) {
        u32 bf[4];
        ldm4t(bf, b + tile_off(K, kk * 16 + (lane & 7) + (((lane >> 3) & 1) << 3), j * 2 + (lane >> 4)));
        mma16816(acc[2 * j], a[kk], bf[0], bf[1]);
        mma16816(acc[2 * j + 1], a[kk], bf[2], bf[3]);
      }
  }
}
// An accumulator [64 x N] as the A fragments of the next product.
template <int N> DEV void to_a(u32 (&a)[N / 16][4], const float (&c)[N / 8][4]) {
#pragma unroll
  for (int k = 0; k < N / 16; k++) {
    a[k][0] = pack2(c[2 * k][0], c[2 * k][1]);
    a[k][1] = pack2(c[2 * k][2], c[2 * k][3]);
    a[k][2] = pack2(c[2 * k + 1][0], c[2 * k + 1][1]);
    a[k][3] = pack2(c[2 * k + 1][2], c[2 * k + 1][3]);
  }
}
struct Yes {
  static constexpr bool value = true;
};
struct No {
  static constexpr bool value = false;
};
template <bool WG> DEV void wg_begin() {
  if constexpr (WG) wg_fence();
}
template <bool WG> DEV void wg_end() {
  if constexpr (WG) wg_commit();
}
template <bool WG, int N> DEV void wg_done() {
  if constexpr (WG) wg_wait<N>();
}
// After a wait: keeps the compiler from having read an accumulator before it (CUTLASS calls this
// warpgroup_fence_operand).
template <bool WG, int N> DEV void settle(float (&c)[N][4]) {
#ifndef EMU
  if constexpr (WG) {
#pragma unroll
    for (int j = 0; j < N; j++)
#pragma unroll
      for (int i = 0; i < 4; i++) asm volatile("" : "+f"(c[j][i])::"memory");
  }
#endif
}

// Writes a warp's 16 x D rows (times s0/s1 for rows g and g+8) as bf16 through its own slice of shared memory.
// row0: the token of the warp's first row; `st`: shared memory of 16 padded rows of this warp alone.
template <int D>
DEV void store_rows(const float (&acc)[D / 8][4], float s0, float s1, u32 st, bf16 *out, i64 ld, int row0, int limit) {
  int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  constexpr int DP = padded(D), C = DP / 8;
#pragma unroll
  for (int j = 0; j < D / 8; j++) {
    st_shared4(st + g * (DP * 2) + ((j ^ (g & 7)) << 4) + t * 4, pack2(acc[j][0] * s0, acc[j][1] * s0));
    st_shared4(st + (g + 8) * (DP * 2) + ((j ^ (g & 7)) << 4) + t * 4, pack2(acc[j][2] * s1, acc[j][3] * s1));
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < 16 * C / 32; i++) {
    int e = i * 32 + lane, r = e / C, c = e % C;
    if (row0 + r < limit && (D == DP || c * 8 < D))
      *(uint4 *)(out + (i64)(row0 + r) * ld + c * 8) = ld_shared16(st + r * (DP * 2) + ((c ^ (r & 7)) << 4));
  }
}

// The rotation of q and k, for the backward to turn dq and dk back before it stores them (table null: leave them).
struct Rope {
  const float2 *table;
  const int *pos;
};
template <int D> DEV void unrope(float (&acc)[D / 8][4], const Rope &r, int r0, int r1, int T) {
  const int t4 = threadIdx.x & 3;
  const float2 *a = r.table + (i64)r.pos[min(r0, T - 1)] * (D / 2) + t4 * 2,
               *b = r.table + (i64)r.pos[min(r1, T - 1)] * (D / 2) + t4 * 2;
#pragma unroll
  for (int j = 0; j < D / 16; j++) { // value c and its partner c + D/2 lie in the same thread
    const float4 p = *(const float4 *)(a + j * 8), q = *(const float4 *)(b + j * 8);
    float (&x)[4] = acc[j], (&y)[4] = acc[j + D / 16];
    float u;
    u = x[0];
    x[0] = u * p.x + y[0] * p.y;
    y[0] = y[0] * p.x - u * p.y;
    u = x[1];
    x[1] = u * p.z + y[1] * p.w;
    y[1] = y[1] * p.z - u * p.w;
    u = x[2];
    x[2] = u * q.x + y[2] * q.y;
    y[2] = y[2] * q.x - u * q.y;
    u = x[3];
    x[3] = u * q.z + y[3] * q.w;
    y[3] = y[3] * q.z - u * q.w;
  }
}
// Something that depends on every value of an accumulator, for a store that holds the order (ptxas moves waits up).
template <int N> DEV u32 fold(const float (&c)[N][4]) {
  u32 x = 0;
#pragma unroll
  for (int j = 0; j < N; j++) {
    x ^= __float_as_uint(c[j][0]) ^ __float_as_uint(c[j][1]);
    x ^= __float_as_uint(c[j][2]) ^ __float_as_uint(c[j][3]);
  }
  return x;
}
// Hides where a value comes from: descriptors made from it are made again each round instead of being kept (and
// spilled).
DEV u32 opaque(u32 x) {
#ifndef EMU
  asm volatile("" : "+r"(x));
#endif
  return x;
}
