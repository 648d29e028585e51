// Attention for sm_90a with separate roles: warpgroup 0 fetches tiles with the bulk copy engine (TMA), warpgroups 1 and
// 2 compute with wgmma. They meet only at mbarriers (full and empty, a pair a stage), so the two computing warpgroups
// may drift apart, and one's exponentials run while the other's products do. Same tiles, same registers, same results
// as flash.cuh, whose arguments these are; qkv and dout as tensor maps of boxes of 32 rows x 64 values.
//
// A source a head dimension, 64 or 128; before it are defined: HEAD_DIM, SHARED_PREFIXES (0 or 1), and the tiles:
// FORWARD_KEYS, DQ_KEYS, DKV_QUERIES. threads: 384. grid: as in flash.cuh.
#include "sight.cuh"
#include "tiles.cuh"

template <int ST> struct Pipe {
  int s = 0;
  u32 ph = 0;
  DEVM void next() {
    if (++s == ST) {
      s = 0;
      ph ^= 1;
    }
  }
};
// A tile [ROWS x D] at column `col`, row `row`: boxes of 32 rows x 64, layout as in attn.cuh.
template <int ROWS, int D> DEV void tma_tile(u32 dst, const TMap &m, u32 bar, int col, int row) {
#pragma unroll
  for (int c = 0; c < D / 64; c++)
#pragma unroll
    for (int r = 0; r < ROWS / 32; r++) tma_box(dst + c * ROWS * 128 + r * 4096, m, bar, col + c * 64, row + r * 32);
}

// ------------------------------------------------------------------------------------------------ forward
template <int D, int BN, bool SHARED>
DEV void ws_fwd(const TMap &qkv, bf16 *o, float *lse, const Sight<SHARED> &sight, const AttnShape &s) {
  constexpr int BM = 128, TB = BN * D * 2;
  DYN_SMEM(smem);
  const u32 sq = smem_u32(smem), sk = sq + BM * D * 2, sv = sk + 2 * TB, bar = sv + 2 * TB, sink = bar + 128;
  const u32 qf = bar, kf = bar + 8, ke = bar + 24, vf = bar + 40, ve = bar + 56;
  const int h = blockIdx.x, m0 = ((int)gridDim.y - 1 - (int)blockIdx.y) * BM;
  const int last = min(m0 + BM, s.T) - 1;
  const Walk<SHARED, BN> walk(sight, m0, last);
  if (threadIdx.x == 0) {
    mbar_init(qf, 1);
    for (int i = 0; i < 2; i++) {
      mbar_init(kf + 8 * i, 1);
      mbar_init(vf + 8 * i, 1);
      mbar_init(ke + 8 * i, 8);
      mbar_init(ve + 8 * i, 8);
    }
    mbar_init_done();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    regs_down<24>();
    if (threadIdx.x == 0) {
      const int kc = (s.H + h / (s.H / s.HKV)) * D, vc = kc + s.HKV * D;
      mbar_expect(qf, BM * D * 2);
      tma_tile<BM, D>(sq, qkv, qf, h * D, m0);
      Pipe<2> p;
      auto fetch = [&](int n) {
        mbar_wait(ke + 8 * p.s, p.ph ^ 1);
        mbar_expect(kf + 8 * p.s, TB);
        tma_tile<BN, D>(sk + p.s * TB, qkv, kf + 8 * p.s, kc, n * BN);
        mbar_wait(ve + 8 * p.s, p.ph ^ 1);
        mbar_expect(vf + 8 * p.s, TB);
        tma_tile<BN, D>(sv + p.s * TB, qkv, vf + 8 * p.s, vc, n * BN);
        p.next();
      };
      if constexpr (SHARED) {
        for (int it = 0; it <= walk.steps(); it++) fetch(walk.at(it));
      } else {
        for (int n = walk.hi; n >= walk.lo; n--) fetch(n);
      }
    }
  } else {
    regs_up<240>();
    const int wg = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3,
              w = (threadIdx.x >> 5) - 4;
    const int r0 = m0 + w * 16 + g, r1 = r0 + 8;
    const Seen<SHARED> seen0(sight, min(r0, s.T - 1)), seen1(sight, min(r1, s.T - 1));
    const int lo_max = sight.lo[last];
    const float sc = s.scale * 1.44269504f;
    float acc[D / 8][4], st[BN / 8][4], mx0 = NEG_INF, mx1 = NEG_INF, sum0 = 0.f, sum1 = 0.f;
    u32 p[BN / 16][4];
#pragma unroll
    for (int j = 0; j < D / 8; j++) acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = 0.f;
    auto tile = [&](int n, int it, auto first, auto masked) {
      const int b = it & 1, c = b ^ 1;
      mbar_wait(kf + 8 * b, (it >> 1) & 1);
      if constexpr (!first.value) mbar_wait(vf + 8 * c, ((it - 1) >> 1) & 1);
      wg_fence();
      mm_ss<true, BN, D, BM, BN>(st, sq, wg * 64, sk + b * TB);
      wg_commit();
      if constexpr (!first.value) {
        mm_rs<true, BN, D>(acc, p, sv + c * TB);
        wg_commit();
        wg_wait<1>();
      } else
        wg_wait<0>();
      settle<true>(st);
      mbar_release(ke + 8 * b);
      if constexpr (masked.value) {
        const int n0 = n * BN;
#pragma unroll
        for (int j = 0; j < BN / 8; j++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            int col = n0 + j * 8 + t4 * 2 + i;
            if (seen0.hides(col, r0)) st[j][i] = NEG_INF;
            if (seen1.hides(col, r1)) st[j][2 + i] = NEG_INF;
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
        settle<true>(st);
        st_shared_f(sink + (threadIdx.x - 128) * 4, t0 + t1); // keeps the exponentials before the wait
        wg_wait<0>();
        settle<true>(acc);
        mbar_release(ve + 8 * c);
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
    mbar_wait(qf, 0);
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
      for (; n >= walk.lo && n * BN + BN - 1 > m0; n--, it++) tile(n, it, No(), Yes());
      for (; n >= walk.lo && n * BN >= lo_max; n--, it++) tile(n, it, No(), No());
      for (; n >= walk.lo; n--, it++) tile(n, it, No(), Yes());
    }
    it--;
    mbar_wait(vf + 8 * (it & 1), (it >> 1) & 1);
    wg_fence();
    mm_rs<true, BN, D>(acc, p, sv + (it & 1) * TB);
    wg_commit();
    wg_wait<0>();
    settle<true>(acc);
    sum0 += shfl_xor(sum0, 1);
    sum0 += shfl_xor(sum0, 2);
    sum1 += shfl_xor(sum1, 1);
    sum1 += shfl_xor(sum1, 2);
    if (t4 == 0) {
      if (r0 < s.T) lse[(i64)h * s.T + r0] = mx0 * sc + log2f(sum0);
      if (r1 < s.T) lse[(i64)h * s.T + r1] = mx1 * sc + log2f(sum1);
    }
    bar_sync(1 + wg, 128); // all of the warpgroup is through with its rows of Q
    store_rows<D>(acc, 1.f / sum0, 1.f / sum1, sq + w * 16 * D * 2, o + h * D, s.ldo, m0 + w * 16, s.T);
  }
}

// ------------------------------------------------------------------------------------------------ dQ
// The next tile's two products are issued behind dQ's, so the tensor cores have work while dS is made. K has three
// stages (it is read twice, an iteration apart), V two.
template <int D, int BN, bool SHARED>
DEV void ws_dq(const TMap &qkv, const TMap &dout, const float *lse, const float *delta, const Sight<SHARED> &sight,
               bf16 *dqkv, i64 ldd, const AttnShape &s, const Rope &r) {
  constexpr int BM = 128, TB = BN * D * 2;
  DYN_SMEM(smem);
  const u32 sq = smem_u32(smem), sdo = sq + BM * D * 2, sk = sdo + BM * D * 2, sv = sk + 3 * TB, bar = sv + 2 * TB,
            sink = bar + 128;
  const u32 qf = bar, kf = bar + 8, ke = bar + 32, vf = bar + 56, ve = bar + 72;
  const int h = blockIdx.x, m0 = ((int)gridDim.y - 1 - (int)blockIdx.y) * BM;
  const int last = min(m0 + BM, s.T) - 1;
  const Walk<SHARED, BN> walk(sight, m0, last);
  if (threadIdx.x == 0) {
    mbar_init(qf, 1);
    for (int i = 0; i < 3; i++) {
      mbar_init(kf + 8 * i, 1);
      mbar_init(ke + 8 * i, 8);
    }
    for (int i = 0; i < 2; i++) {
      mbar_init(vf + 8 * i, 1);
      mbar_init(ve + 8 * i, 8);
    }
    mbar_init_done();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    regs_down<24>();
    if (threadIdx.x == 0) {
      const int kc = (s.H + h / (s.H / s.HKV)) * D, vc = kc + s.HKV * D;
      mbar_expect(qf, 2 * BM * D * 2);
      tma_tile<BM, D>(sq, qkv, qf, h * D, m0);
      tma_tile<BM, D>(sdo, dout, qf, h * D, m0);
      Pipe<3> pk;
      Pipe<2> pv;
      auto fetch = [&](int n) {
        mbar_wait(ke + 8 * pk.s, pk.ph ^ 1);
        mbar_expect(kf + 8 * pk.s, TB);
        tma_tile<BN, D>(sk + pk.s * TB, qkv, kf + 8 * pk.s, kc, n * BN);
        mbar_wait(ve + 8 * pv.s, pv.ph ^ 1);
        mbar_expect(vf + 8 * pv.s, TB);
        tma_tile<BN, D>(sv + pv.s * TB, qkv, vf + 8 * pv.s, vc, n * BN);
        pk.next();
        pv.next();
      };
      if constexpr (SHARED) {
        for (int it = 0; it <= walk.steps(); it++) fetch(walk.at(it));
      } else {
        for (int n = walk.hi; n >= walk.lo; n--) fetch(n);
      }
    }
  } else {
    regs_up<240>();
    const int wg = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3,
              w = (threadIdx.x >> 5) - 4;
    const int r0 = m0 + w * 16 + g, r1 = r0 + 8;
    const Seen<SHARED> seen0(sight, min(r0, s.T - 1)), seen1(sight, min(r1, s.T - 1));
    const int lo_max = sight.lo[last];
    const float sc = s.scale * 1.44269504f;
    const float l0 = r0 < s.T ? lse[(i64)h * s.T + r0] : -NEG_INF, l1 = r1 < s.T ? lse[(i64)h * s.T + r1] : -NEG_INF;
    const float d0 = r0 < s.T ? delta[(i64)h * s.T + r0] : 0.f, d1 = r1 < s.T ? delta[(i64)h * s.T + r1] : 0.f;
    float acc[D / 8][4], st[BN / 8][4], dp[BN / 8][4];
    u32 a[BN / 16][4];
#pragma unroll
    for (int j = 0; j < D / 8; j++) acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = 0.f;
    Pipe<3> pk, old; // old: the stage of K whose dQ product is still to come
    Pipe<2> pv;
    // Issued in the order S, dP, dQ of the tile before: the exponentials run over dP and dQ, dS over dQ. Nothing is in
    // flight from one round to the next (ptxas serialises otherwise).
    auto tile = [&](int n, auto first, auto masked) {
      mbar_wait(kf + 8 * pk.s, pk.ph);
      mbar_wait(vf + 8 * pv.s, pv.ph);
      wg_fence();
      mm_ss<true, BN, D, BM, BN>(st, sq, wg * 64, sk + pk.s * TB);
      wg_commit();
      mm_ss<true, BN, D, BM, BN>(dp, sdo, wg * 64, sv + pv.s * TB);
      wg_commit();
      if constexpr (!first.value) {
        mm_rs<true, BN, D>(acc, a, sk + old.s * TB);
        wg_commit();
        wg_wait<2>();
      } else
        wg_wait<1>();
      settle<true>(st);
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
      settle<true>(st);
      st_shared4(sink + (threadIdx.x - 128) * 4, fold(st)); // keeps the exponentials before the wait
      if constexpr (!first.value)
        wg_wait<1>();
      else
        wg_wait<0>();
      settle<true>(dp);
      mbar_release(ve + 8 * pv.s);
      pv.next();
#pragma unroll
      for (int j = 0; j < BN / 8; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          dp[j][i] = st[j][i] * (dp[j][i] - d0);
          dp[j][2 + i] = st[j][2 + i] * (dp[j][2 + i] - d1);
        }
      if constexpr (!first.value) {
        settle<true>(dp);
        wg_wait<0>();
        settle<true>(acc);
        mbar_release(ke + 8 * old.s);
        old.next();
      }
      to_a<BN>(a, dp);
      pk.next();
    };
    mbar_wait(qf, 0);
    int n = walk.hi;
    tile(n--, Yes(), Yes());
    if constexpr (SHARED) {
      for (int it = 1; it <= walk.steps(); it++) {
        n = walk.at(it);
        if (walk.free(n, lo_max))
          tile(n, No(), No());
        else
          tile(n, No(), Yes());
      }
    } else {
      for (; n >= walk.lo && n * BN + BN - 1 > m0; n--) tile(n, No(), Yes());
      for (; n >= walk.lo && n * BN >= lo_max; n--) tile(n, No(), No());
      for (; n >= walk.lo; n--) tile(n, No(), Yes());
    }
    wg_fence();
    mm_rs<true, BN, D>(acc, a, sk + old.s * TB);
    wg_commit();
    wg_wait<0>();
    settle<true>(acc);
    bar_sync(1 + wg, 128);
    if (r.table) unrope<D>(acc, r, r0, r1, s.T);
    store_rows<D>(acc, s.scale, s.scale, sq + w * 16 * D * 2, dqkv + h * D, ldd, m0 + w * 16, s.T);
  }
}

// ------------------------------------------------------------------------------------------------ dK, dV
// Warp 0 of the fetching warpgroup brings Q and dO tiles, warp 1 the rows' lse, delta and lo.
template <int D, int BM, bool SHARED>
DEV void ws_dkv(const TMap &qkv, const TMap &dout, const float *lse, const float *delta, const int *lo, const int *hi,
                bf16 *dqkv, i64 ldd, const AttnShape &s, const Rope &r) {
  constexpr int BN = 128, TB = BM * D * 2, ST = 3;
  DYN_SMEM(smem);
  const u32 sk = smem_u32(smem), sv = sk + BN * D * 2, sq = sv + BN * D * 2, sdo = sq + ST * TB, srow = sdo + ST * TB,
            bar = srow + ST * 3 * BM * 4, sink = bar + 128;
  const u32 kvf = bar, qf = bar + 8, qe = bar + 8 + 8 * ST, df = bar + 8 + 16 * ST, de = bar + 8 + 24 * ST;
  const int hk = blockIdx.x, n0 = (int)blockIdx.y * BN, G = s.H / s.HKV;
  const Queries<SHARED, BM> queries(hi, n0, s.T);
  if (threadIdx.x == 0) {
    mbar_init(kvf, 1);
    for (int i = 0; i < ST; i++) {
      mbar_init(qf + 8 * i, 2);
      mbar_init(qe + 8 * i, 8);
      mbar_init(df + 8 * i, 1);
      mbar_init(de + 8 * i, 8);
    }
    mbar_init_done();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    regs_down<24>();
    Pipe<ST> p;
    if (threadIdx.x == 0) {
      mbar_expect(kvf, 2 * BN * D * 2);
      tma_tile<BN, D>(sk, qkv, kvf, (s.H + hk) * D, n0);
      tma_tile<BN, D>(sv, qkv, kvf, (s.H + s.HKV + hk) * D, n0);
      for (int h = hk * G; h < hk * G + G; h++)
        for (int m = queries.lo; m <= queries.hi; m++) {
          mbar_wait(qe + 8 * p.s, p.ph ^ 1);
          mbar_expect(qf + 8 * p.s, TB);
          tma_tile<BM, D>(sq + p.s * TB, qkv, qf + 8 * p.s, h * D, m * BM);
          mbar_wait(de + 8 * p.s, p.ph ^ 1);
          mbar_expect(df + 8 * p.s, TB);
          tma_tile<BM, D>(sdo + p.s * TB, dout, df + 8 * p.s, h * D, m * BM);
          p.next();
        }
    } else if (threadIdx.x >= 32 && threadIdx.x < 64) {
      const int lane = threadIdx.x & 31;
      for (int h = hk * G; h < hk * G + G; h++)
        for (int m = queries.lo; m <= queries.hi; m++) {
          mbar_wait(qe + 8 * p.s, p.ph ^ 1);
          const u32 rb = srow + p.s * 3 * BM * 4;
#pragma unroll
          for (int i = 0; i < BM; i += 32) {
            int t = m * BM + i + lane;
            bool ok = t < s.T;
            st_shared_f(rb + (i + lane) * 4, ok ? lse[(i64)h * s.T + t] : -NEG_INF);
            st_shared_f(rb + (BM + i + lane) * 4, ok ? delta[(i64)h * s.T + t] : 0.f);
            if constexpr (!SHARED) st_shared_i(rb + (2 * BM + i + lane) * 4, ok ? lo[t] : 0);
          }
          __syncwarp();
          if (lane == 0) mbar_arrive(qf + 8 * p.s);
          p.next();
        }
    }
  } else {
    regs_up<240>();
    const int wg = (threadIdx.x >> 7) - 1, lane = threadIdx.x & 31, g = lane >> 2, t4 = lane & 3,
              w = (threadIdx.x >> 5) - 4;
    const int r0 = n0 + w * 16 + g, r1 = r0 + 8; // keys
    // With shared prefixes: where the queries end that see this thread's two keys, in shared memory, since there are no
    // registers left for it.
    const u32 ends = sink + 1024 + (w * 8 + g) * 8;
    if constexpr (SHARED) {
      if (t4 == 0) {
        st_shared_i(ends, hi[min(r0, s.T - 1)]);
        st_shared_i(ends + 4, hi[min(r1, s.T - 1)]);
      }
      __syncwarp();
    }
    const float sc = s.scale * 1.44269504f;
    float dk[D / 8][4], dv[D / 8][4], st[BM / 8][4], dp[BM / 8][4];
#pragma unroll
    for (int j = 0; j < D / 8; j++)
      dk[j][0] = dk[j][1] = dk[j][2] = dk[j][3] = dv[j][0] = dv[j][1] = dv[j][2] = dv[j][3] = 0.f;
    u32 ds[BM / 16][4];
    Pipe<ST> p, old; // old: the stage whose dK product is still to come
    auto tile = [&](int m0, auto first, auto masked) {
      const u32 rb = srow + p.s * 3 * BM * 4;
      mbar_wait(qf + 8 * p.s, p.ph);
      mbar_wait(df + 8 * p.s, p.ph);
      wg_fence();
      mm_ss<true, BM, D, BN, BM>(st, opaque(sk), wg * 64, opaque(sq + p.s * TB));
      wg_commit();
      mm_ss<true, BM, D, BN, BM>(dp, opaque(sv), wg * 64, opaque(sdo + p.s * TB));
      wg_commit();
      if constexpr (!first.value) {
        mm_rs<true, BM, D>(dk, ds, opaque(sq + old.s * TB));
        wg_commit();
        wg_wait<2>();
      } else
        wg_wait<1>();
      settle<true>(st);
#pragma unroll
      for (int j = 0; j < BM / 8; j++) {
        float2 l = ld_shared_f2(rb + (j * 8 + t4 * 2) * 4);
        float p0 = ex2(st[j][0] * sc - l.x), p1 = ex2(st[j][1] * sc - l.y), p2 = ex2(st[j][2] * sc - l.x),
              p3 = ex2(st[j][3] * sc - l.y);
        if constexpr (masked.value) {
          const int2 b2 = ld_shared_i2(SHARED ? ends : rb + (2 * BM + j * 8 + t4 * 2) * 4);
          int c = m0 + j * 8 + t4 * 2; // query
          if (r0 > c || (SHARED ? c >= b2.x : r0 < b2.x)) p0 = 0.f;
          if (r0 > c + 1 || (SHARED ? c + 1 >= b2.x : r0 < b2.y)) p1 = 0.f;
          if (r1 > c || (SHARED ? c >= b2.y : r1 < b2.x)) p2 = 0.f;
          if (r1 > c + 1 || (SHARED ? c + 1 >= b2.y : r1 < b2.y)) p3 = 0.f;
        }
        st[j][0] = p0;
        st[j][1] = p1;
        st[j][2] = p2;
        st[j][3] = p3;
      }
      settle<true>(st);
      st_shared4(sink + (threadIdx.x - 128) * 4, fold(st));
      wg_wait<0>();
      settle<true>(dp);
      if constexpr (!first.value) {
        settle<true>(dk);
        mbar_release(qe + 8 * old.s);
      }
      u32 a[BM / 16][4];
      to_a<BM>(a, st);
      wg_fence();
      mm_rs<true, BM, D>(dv, a, opaque(sdo + p.s * TB));
      wg_commit();
#pragma unroll
      for (int j = 0; j < BM / 8; j++) {
        float2 d = ld_shared_f2(rb + (BM + j * 8 + t4 * 2) * 4);
        dp[j][0] = st[j][0] * (dp[j][0] - d.x);
        dp[j][1] = st[j][1] * (dp[j][1] - d.y);
        dp[j][2] = st[j][2] * (dp[j][2] - d.x);
        dp[j][3] = st[j][3] * (dp[j][3] - d.y);
      }
      to_a<BM>(ds, dp);
      wg_wait<0>();
      settle<true>(dv);
      mbar_release(de + 8 * p.s);
      old = p;
      p.next();
    };
    const int m_free = (n0 + BN - 1 + BM - 1) / BM, m_late = queries.late(hi, n0);
    mbar_wait(kvf, 0);
    tile(queries.lo * BM, Yes(), Yes());
    for (int h = 0; h < G; h++) {
      int m = h == 0 ? queries.lo + 1 : queries.lo;
      for (; m <= queries.hi && (m < m_free || m >= m_late); m++) tile(m * BM, No(), Yes());
      for (; m <= queries.hi && m < m_late; m++) tile(m * BM, No(), No());
      for (; m <= queries.hi; m++) tile(m * BM, No(), Yes());
    }
    wg_fence();
    mm_rs<true, BM, D>(dk, ds, sq + old.s * TB);
    wg_commit();
    wg_wait<0>();
    settle<true>(dk);
    bar_sync(1 + wg, 128);
    if (r.table) unrope<D>(dk, r, r0, r1, s.T);
    store_rows<D>(dk, s.scale, s.scale, sk + w * 16 * D * 2, dqkv + (s.H + hk) * D, ldd, n0 + w * 16, s.T);
    store_rows<D>(dv, 1.f, 1.f, sv + w * 16 * D * 2, dqkv + (s.H + s.HKV + hk) * D, ldd, n0 + w * 16, s.T);
  }
}

#if SHARED_PREFIXES
#define SIGHT const int *lo, const int *first, const int *end
#define SIGHT_OF(lo) {lo, first, end}
#else
#define SIGHT const int *lo
#define SIGHT_OF(lo) {lo}
#endif

// Shared memory: (128 + 4 FORWARD_KEYS) D bf16 and 1152 bytes.
KERNEL void BOUNDS(384, 1) attention_forward(TMAP qkv, bf16 *o, float *lse, SIGHT, AttnShape s) {
  ws_fwd<HEAD_DIM, FORWARD_KEYS, SHARED_PREFIXES>(qkv, o, lse, SIGHT_OF(lo), s);
}
#if !SHARED_PREFIXES // there its registers do not suffice, and pair.cu's wgmma kernel is the better one
// Shared memory: (256 + 5 DQ_KEYS) D bf16 and 1152 bytes.
KERNEL void BOUNDS(384, 1) attention_dq(TMAP qkv, TMAP dout, const float *lse, const float *delta, SIGHT, bf16 *dqkv,
                                        i64 ldd, AttnShape s, Rope r) {
  ws_dq<HEAD_DIM, DQ_KEYS, SHARED_PREFIXES>(qkv, dout, lse, delta, SIGHT_OF(lo), dqkv, ldd, s, r);
}
#endif
// Shared memory: (256 + 6 DKV_QUERIES) D bf16, 9 DKV_QUERIES floats and 1152 bytes, 512 more with shared prefixes.
KERNEL void BOUNDS(384, 1) attention_dkv(TMAP qkv, TMAP dout, const float *lse, const float *delta, const int *lo,
                                         const int *hi, bf16 *dqkv, i64 ldd, AttnShape s, Rope r) {
  ws_dkv<HEAD_DIM, DKV_QUERIES, SHARED_PREFIXES>(qkv, dout, lse, delta, lo, hi, dqkv, ldd, s, r);
}
