// Causal flash attention over packed documents, forward and backward: grouped heads, bf16 in and out, f32 softmax.
//
// q, k and v are columns of one buffer: [q of H heads | k of HKV | v of HKV], D values a head, rows of s.ld. o, and
// dout, the gradient by it: rows of s.ldo; the gradients by q, k, v: rows of ldd, columns as of qkv. lse[h T + t] is
// the base-2 logarithm of the row's sum, scale folded in; delta[h T + t] is rowsum(dO O). Which keys a query sees:
// sight.cuh. Shared memory, threads and tiles: backend/cuda/ops/attention.
#pragma once
#include "sight.cuh"
#include "tiles.cuh"

// Forward. 2 warpgroups of 64 query rows; key tiles of BN, from the diagonal down to the documents' start. Blocks with
// the most work come first. grid: (H, T / 128 up). While a warpgroup's P V of the tile before runs in the tensor cores,
// it does the softmax of this one.
template <bool WG, int D, int BN, bool SHARED>
DEV void attn_fwd(const bf16 *qkv, bf16 *o, float *lse, Sight<SHARED> sight, AttnShape s) {
  constexpr int BM = 128, NT = 256, DP = padded(D);
  DYN_SMEM(smem);
  const u32 sq = smem_u32(smem), sk = sq + BM * DP * 2, sv = sk + 2 * BN * DP * 2;
  const int h = blockIdx.x, m0 = ((int)gridDim.y - 1 - (int)blockIdx.y) * BM, wg = threadIdx.x >> 7;
  const int lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3, w = threadIdx.x >> 5;
  const bf16 *q = qkv + h * D, *k = qkv + (s.H + h / (s.H / s.HKV)) * D, *v = k + s.HKV * D;
  const int last = min(m0 + BM, s.T) - 1;
  const Walk<SHARED, BN> walk(sight, m0, last);
  const int r0 = m0 + w * 16 + g, r1 = r0 + 8;
  const Seen<SHARED> seen0(sight, min(r0, s.T - 1)), seen1(sight, min(r1, s.T - 1));
  const int lo_max = sight.lo[last];
  const float sc = s.scale * 1.44269504f;

  load_tile<BM, D, NT>(sq, q, s.ld, m0, s.T);
  load_tile<BN, D, NT>(sk, k, s.ld, walk.hi * BN, s.T);
  cp_commit();
  float acc[D / 8][4], st[BN / 8][4], mx0 = NEG_INF, mx1 = NEG_INF, sum0 = 0.f, sum1 = 0.f;
  u32 p[BN / 16][4];
#pragma unroll
  for (int j = 0; j < D / 8; j++) acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = 0.f;
  // One key tile. FIRST: nothing in flight yet; MASK: some row does not see all keys. No branch may stand between a
  // product's issue and its wait: ptxas then waits at once (seen in the SASS), so every combination is a copy of its
  // own.
  auto tile = [&](int n, int it, auto first, auto masked) {
    cp_wait<0>();
    fence_async();
    __syncthreads();
    if (walk.more(n, it)) load_tile<BN, D, NT>(sk + ((it + 1) & 1) * BN * DP * 2, k, s.ld, walk.next(n, it) * BN, s.T);
    load_tile<BN, D, NT>(sv + (it & 1) * BN * DP * 2, v, s.ld, n * BN, s.T);
    cp_commit();
    wg_begin<WG>();
    mm_ss<WG, BN, D, BM, BN>(st, sq, wg * 64, sk + (it & 1) * BN * DP * 2);
    wg_end<WG>();
    if constexpr (!first.value) {
      mm_rs<WG, BN, D>(acc, p, sv + ((it - 1) & 1) * BN * DP * 2);
      wg_end<WG>();
      wg_done<WG, 1>();
    } else
      wg_done<WG, 0>();
    settle<WG>(st);
    if constexpr (masked.value) {
      const int n0 = n * BN;
#pragma unroll
      for (int j = 0; j < BN / 8; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          int c = n0 + j * 8 + t4 * 2 + i;
          if (seen0.hides(c, r0)) st[j][i] = NEG_INF;
          if (seen1.hides(c, r1)) st[j][2 + i] = NEG_INF;
        }
    }
    float a0 = mx0, a1 = mx1;
#pragma unroll
    for (int j = 0; j < BN / 8; j++) {
      a0 = fmaxf(a0, fmaxf(st[j][0], st[j][1]));
      a1 = fmaxf(a1, fmaxf(st[j][2], st[j][3]));
    }
    a0 = fmaxf(a0, shfl_xor(a0, 1));
    a0 = fmaxf(a0, shfl_xor(a0, 2));
    a1 = fmaxf(a1, shfl_xor(a1, 1));
    a1 = fmaxf(a1, shfl_xor(a1, 2));
    // A row may see none of this tile's keys yet (the diagonal tile of the lower rows, when BN < BM): keep it finite.
    const float u0 = a0 == NEG_INF ? 0.f : a0 * sc, u1 = a1 == NEG_INF ? 0.f : a1 * sc;
    const float f0 = ex2(mx0 * sc - u0), f1 = ex2(mx1 * sc - u1);
    mx0 = a0;
    mx1 = a1;
    float t0 = 0.f, t1 = 0.f;
#pragma unroll
    for (int j = 0; j < BN / 8; j++) {
      st[j][0] = ex2(st[j][0] * sc - u0);
      st[j][1] = ex2(st[j][1] * sc - u0);
      st[j][2] = ex2(st[j][2] * sc - u1);
      st[j][3] = ex2(st[j][3] * sc - u1);
      t0 += st[j][0] + st[j][1];
      t1 += st[j][2] + st[j][3];
    }
    sum0 = sum0 * f0 + t0;
    sum1 = sum1 * f1 + t1;
    if constexpr (!first.value) {
      settle<WG>(st);
      // A store that depends on the exponentials: without it ptxas puts the wait before them, and nothing overlaps
      // (seen in the SASS).
      if constexpr (WG) st_shared_f(sv + 2 * BN * DP * 2 + threadIdx.x * 4, t0 + t1);
      wg_done<WG, 0>();
      settle<WG>(acc);
    }
    to_a<BN>(p, st);
#pragma unroll
    for (int j = 0; j < D / 8; j++) {
      acc[j][0] *= f0;
      acc[j][1] *= f0;
      acc[j][2] *= f1;
      acc[j][3] *= f1;
    }
  };
  int n = walk.hi, it = 0;
  tile(n--, it++, Yes(), Yes());
  if constexpr (SHARED) {
    for (; it <= walk.steps(); it++) {
      n = walk.at(it);
      if (walk.free(n, lo_max))
        tile(n, it, No(), No());
      else
        tile(n, it, No(), Yes());
    }
  } else {
    for (; n >= walk.lo && n * BN + BN - 1 > m0; n--, it++)
      tile(n, it, No(), Yes()); // the rest of the diagonal, if BN < BM
    for (; n >= walk.lo && n * BN >= lo_max; n--, it++) tile(n, it, No(), No());
    for (; n >= walk.lo; n--, it++) tile(n, it, No(), Yes());
  }
  cp_wait<0>();
  fence_async();
  __syncthreads();
  wg_begin<WG>();
  mm_rs<WG, BN, D>(acc, p, sv + (walk.steps() & 1) * BN * DP * 2);
  wg_end<WG>();
  wg_done<WG, 0>();
  settle<WG>(acc);
  sum0 += shfl_xor(sum0, 1);
  sum0 += shfl_xor(sum0, 2);
  sum1 += shfl_xor(sum1, 1);
  sum1 += shfl_xor(sum1, 2);
  if (t4 == 0) {
    if (r0 < s.T) lse[(i64)h * s.T + r0] = mx0 * sc + log2f(sum0);
    if (r1 < s.T) lse[(i64)h * s.T + r1] = mx1 * sc + log2f(sum1);
  }
  // Q's shared memory is free now: all products of the block are over after the barrier above (they read only Q and K
  // before it).
  store_rows<D>(acc, 1.f / sum0, 1.f / sum1, sq + w * 16 * DP * 2, o + h * D, s.ldo, m0 + w * 16, s.T);
}

// dQ. The same split as the forward: dS = P * (dO V^T - delta), dQ = scale * dS K.
// grid: (H, T / 128 up).
template <bool WG, int D, int BN, bool SHARED>
DEV void attn_dq(const bf16 *qkv, const bf16 *dout, const float *lse, const float *delta, Sight<SHARED> sight,
                 bf16 *dqkv, i64 ldd, AttnShape s, Rope r) {
  constexpr int BM = 128, NT = 256, DP = padded(D);
  DYN_SMEM(smem);
  const u32 sq = smem_u32(smem), sdo = sq + BM * DP * 2, sk = sdo + BM * DP * 2, sv = sk + 2 * BN * DP * 2;
  const int h = blockIdx.x, m0 = ((int)gridDim.y - 1 - (int)blockIdx.y) * BM, wg = threadIdx.x >> 7;
  const int lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3, w = threadIdx.x >> 5;
  const bf16 *q = qkv + h * D, *k = qkv + (s.H + h / (s.H / s.HKV)) * D, *v = k + s.HKV * D;
  const int last = min(m0 + BM, s.T) - 1;
  const Walk<SHARED, BN> walk(sight, m0, last);
  const int r0 = m0 + w * 16 + g, r1 = r0 + 8;
  const Seen<SHARED> seen0(sight, min(r0, s.T - 1)), seen1(sight, min(r1, s.T - 1));
  const int lo_max = sight.lo[last];
  const float sc = s.scale * 1.44269504f;
  // rows past the end: lse = +inf makes P zero
  const float l0 = r0 < s.T ? lse[(i64)h * s.T + r0] : -NEG_INF, l1 = r1 < s.T ? lse[(i64)h * s.T + r1] : -NEG_INF;
  const float d0 = r0 < s.T ? delta[(i64)h * s.T + r0] : 0.f, d1 = r1 < s.T ? delta[(i64)h * s.T + r1] : 0.f;

  load_tile<BM, D, NT>(sq, q, s.ld, m0, s.T);
  load_tile<BM, D, NT>(sdo, dout + h * D, s.ldo, m0, s.T);
  load_tile<BN, D, NT>(sk, k, s.ld, walk.hi * BN, s.T);
  load_tile<BN, D, NT>(sv, v, s.ld, walk.hi * BN, s.T);
  cp_commit();
  float acc[D / 8][4], st[BN / 8][4], dp[BN / 8][4];
#pragma unroll
  for (int j = 0; j < D / 8; j++) acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = 0.f;
  auto tile = [&](int n, int it, auto masked) {
    const u32 kb = sk + (it & 1) * BN * DP * 2, vb = sv + (it & 1) * BN * DP * 2;
    cp_wait<0>();
    fence_async();
    __syncthreads();
    if (walk.more(n, it)) {
      load_tile<BN, D, NT>(sk + ((it + 1) & 1) * BN * DP * 2, k, s.ld, walk.next(n, it) * BN, s.T);
      load_tile<BN, D, NT>(sv + ((it + 1) & 1) * BN * DP * 2, v, s.ld, walk.next(n, it) * BN, s.T);
      cp_commit();
    }
    wg_begin<WG>();
    mm_ss<WG, BN, D, BM, BN>(st, sq, wg * 64, kb);
    wg_end<WG>();
    mm_ss<WG, BN, D, BM, BN>(dp, sdo, wg * 64, vb);
    wg_end<WG>();
    wg_done<WG, 1>();
    settle<WG>(st);
    const int n0 = n * BN;
#pragma unroll
    for (int j = 0; j < BN / 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float p0 = ex2(st[j][i] * sc - l0), p1 = ex2(st[j][2 + i] * sc - l1);
        if constexpr (masked.value) {
          int c = n0 + j * 8 + t4 * 2 + i;
          if (seen0.hides(c, r0)) p0 = 0.f;
          if (seen1.hides(c, r1)) p1 = 0.f;
        }
        st[j][i] = p0;
        st[j][2 + i] = p1;
      }
    settle<WG>(st);
    wg_done<WG, 0>();
    settle<WG>(dp);
#pragma unroll
    for (int j = 0; j < BN / 8; j++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        st[j][i] *= dp[j][i] - d0;
        st[j][2 + i] *= dp[j][2 + i] - d1;
      }
    u32 a[BN / 16][4];
    to_a<BN>(a, st);
    wg_begin<WG>();
    mm_rs<WG, BN, D>(acc, a, kb);
    wg_end<WG>();
    wg_done<WG, 0>();
    settle<WG>(acc);
  };
  int n = walk.hi, it = 0;
  if constexpr (SHARED) {
    for (; it <= walk.steps(); it++) {
      n = walk.at(it);
      if (walk.free(n, lo_max))
        tile(n, it, No());
      else
        tile(n, it, Yes());
    }
  } else {
    for (; n >= walk.lo && n * BN + BN - 1 > m0; n--, it++) tile(n, it, Yes());
    for (; n >= walk.lo && n * BN >= lo_max; n--, it++) tile(n, it, No());
    for (; n >= walk.lo; n--, it++) tile(n, it, Yes());
  }
  __syncthreads();
  if (r.table) unrope<D>(acc, r, r0, r1, s.T);
  store_rows<D>(acc, s.scale, s.scale, sq + w * 16 * DP * 2, dqkv + h * D, ldd, m0 + w * 16, s.T);
}

// dK and dV. 2 warpgroups of 64 keys each; loops over the group's query heads and, in each, over query tiles of BM.
// Works on transposed scores (keys are rows), so P^T and dS^T are A fragments straight from the accumulators.
// grid: (HKV, T / 128 up): the key blocks with the most queries come first.
template <bool WG, int D, int BM, bool SHARED>
DEV void attn_dkv(const bf16 *qkv, const bf16 *dout, const float *lse, const float *delta, const int *lo, const int *hi,
                  bf16 *dqkv, i64 ldd, AttnShape s, Rope r) {
  constexpr int BN = 128, NT = 256, DP = padded(D);
  DYN_SMEM(smem);
  const u32 sk = smem_u32(smem), sv = sk + BN * DP * 2, sq = sv + BN * DP * 2, sdo = sq + 2 * BM * DP * 2,
            srow = sdo + 2 * BM * DP * 2; // srow: 2 x {lse, delta, lo}[BM]
  const int hk = blockIdx.x, n0 = (int)blockIdx.y * BN, wg = threadIdx.x >> 7, G = s.H / s.HKV;
  const int lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3, w = threadIdx.x >> 5;
  const bf16 *k = qkv + (s.H + hk) * D, *v = k + s.HKV * D;
  const Queries<SHARED, BM> queries(hi, n0, s.T);
  const int per = queries.hi - queries.lo + 1, total = per * G;
  const int r0 = n0 + w * 16 + g, r1 = r0 + 8; // keys
  const Hi<SHARED> hi0(hi, min(r0, s.T - 1)), hi1(hi, min(r1, s.T - 1));
  const float sc = s.scale * 1.44269504f;
  float dk[D / 8][4], dv[D / 8][4], st[BM / 8][4], dp[BM / 8][4];
#pragma unroll
  for (int j = 0; j < D / 8; j++)
    dk[j][0] = dk[j][1] = dk[j][2] = dk[j][3] = dv[j][0] = dv[j][1] = dv[j][2] = dv[j][3] = 0.f;

  auto fetch = [&](int it) {
    const int h = hk * G + it / per, m0 = (queries.lo + it % per) * BM, b = it & 1;
    load_tile<BM, D, NT>(sq + b * BM * DP * 2, qkv + h * D, s.ld, m0, s.T);
    load_tile<BM, D, NT>(sdo + b * BM * DP * 2, dout + h * D, s.ldo, m0, s.T);
    for (int i = threadIdx.x; i < BM; i += NT) {
      bool ok = m0 + i < s.T;
      st_shared_f(srow + (b * 3 * BM + i) * 4, ok ? lse[(i64)h * s.T + m0 + i] : -NEG_INF);
      st_shared_f(srow + (b * 3 * BM + BM + i) * 4, ok ? delta[(i64)h * s.T + m0 + i] : 0.f);
      if constexpr (!SHARED) st_shared_i(srow + (b * 3 * BM + 2 * BM + i) * 4, ok ? lo[m0 + i] : 0);
    }
    cp_commit();
  };
  load_tile<BN, D, NT>(sk, k, s.ld, n0, s.T);
  load_tile<BN, D, NT>(sv, v, s.ld, n0, s.T);
  fetch(0);
  auto tile = [&](int it, int m0, auto masked) {
    const int b = it & 1;
    const u32 qb = sq + b * BM * DP * 2, db = sdo + b * BM * DP * 2, rb = srow + b * 3 * BM * 4;
    cp_wait<0>();
    fence_async();
    __syncthreads();
    if (it + 1 < total) fetch(it + 1);
    wg_begin<WG>();
    mm_ss<WG, BM, D, BN, BM>(st, sk, wg * 64, qb);
    wg_end<WG>();
    mm_ss<WG, BM, D, BN, BM>(dp, sv, wg * 64, db);
    wg_end<WG>();
    wg_done<WG, 1>();
    settle<WG>(st);
#pragma unroll
    for (int j = 0; j < BM / 8; j++) {
      float2 l = ld_shared_f2(rb + (j * 8 + t4 * 2) * 4);
      float p0 = ex2(st[j][0] * sc - l.x), p1 = ex2(st[j][1] * sc - l.y), p2 = ex2(st[j][2] * sc - l.x),
            p3 = ex2(st[j][3] * sc - l.y);
      if constexpr (masked.value) {
        int2 b2 = {0, 0};
        if constexpr (!SHARED) b2 = ld_shared_i2(rb + (2 * BM + j * 8 + t4 * 2) * 4);
        int c = m0 + j * 8 + t4 * 2; // query
        if (hi0.hides(r0, c, b2.x)) p0 = 0.f;
        if (hi0.hides(r0, c + 1, b2.y)) p1 = 0.f;
        if (hi1.hides(r1, c, b2.x)) p2 = 0.f;
        if (hi1.hides(r1, c + 1, b2.y)) p3 = 0.f;
      }
      st[j][0] = p0;
      st[j][1] = p1;
      st[j][2] = p2;
      st[j][3] = p3;
    }
    u32 a[BM / 16][4];
    to_a<BM>(a, st);
    wg_begin<WG>();
    mm_rs<WG, BM, D>(dv, a, db);
    wg_end<WG>();
    wg_done<WG, 1>(); // dP^T is there
    settle<WG>(dp);
#pragma unroll
    for (int j = 0; j < BM / 8; j++) {
      float2 d = ld_shared_f2(rb + (BM + j * 8 + t4 * 2) * 4);
      st[j][0] *= dp[j][0] - d.x;
      st[j][1] *= dp[j][1] - d.y;
      st[j][2] *= dp[j][2] - d.x;
      st[j][3] *= dp[j][3] - d.y;
    }
    u32 ds[BM / 16][4];
    to_a<BM>(ds, st);
    wg_begin<WG>();
    mm_rs<WG, BM, D>(dk, ds, qb);
    wg_end<WG>();
    wg_done<WG, 0>();
    settle<WG>(dv);
    settle<WG>(dk);
  };
  // Queries from m_free on see every key of the block (all of their document's start lies before it), up to those of
  // m_late.
  const int m_free = (n0 + BN - 1 + BM - 1) / BM, m_late = queries.late(hi, n0);
  int it = 0;
  for (int h = 0; h < G; h++) {
    int m = queries.lo;
    for (; m <= queries.hi && (m < m_free || m >= m_late); m++, it++) tile(it, m * BM, Yes());
    for (; m <= queries.hi && m < m_late; m++, it++) tile(it, m * BM, No());
    for (; m <= queries.hi; m++, it++) tile(it, m * BM, Yes());
  }
  __syncthreads();
  if (r.table) unrope<D>(dk, r, r0, r1, s.T);
  store_rows<D>(dk, s.scale, s.scale, sk + w * 16 * DP * 2, dqkv + (s.H + hk) * D, ldd, n0 + w * 16, s.T);
  store_rows<D>(dv, 1.f, 1.f, sv + w * 16 * DP * 2, dqkv + (s.H + s.HKV + hk) * D, ldd, n0 + w * 16, s.T);
}
