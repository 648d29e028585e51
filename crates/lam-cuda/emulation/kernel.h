// CUDA C++ for the emulation: included before a kernel's text, which then includes and defines none of this. The words of
// the language, and as functions those instructions that our kernels use: shuffles, cp.async, ldmatrix, mma, wgmma with its
// descriptors, mbarriers, TMA, named barriers. A kernel's misuse of one ends its launch with a message.
//
// Not shown: what happens at the same time. Blocks run one after the other, an asynchronous copy of TMA at once, wgmma at
// its issue; so a missing fence or a race between blocks passes here.
#pragma once
#include "machine.h"
#include <cmath>
#include <tuple>
#include <utility>

#define __global__ __attribute__((used))
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define KERNEL extern "C" __global__
#define DEV static inline
#define DEVM inline
#define BOUNDS(t, b)
#define __shared__ static
#define __restrict__
#define __grid_constant__
struct uint4 { u32 x, y, z, w; };
struct uint2 { u32 x, y; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct int2 { int x, y; };
struct int4 { int x, y, z, w; };
static inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
static inline uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }

namespace emu {
inline void flush(Fiber *f, size_t keep) {
  while (f->groups.size() > keep) {
    for (auto &c : f->groups.front()) { if (c.inside) memcpy(c.to, c.from, 16); else memset(c.to, 0, 16); }
    f->groups.erase(f->groups.begin());
  }
}
inline float b2f(unsigned short v) { u32 u = (u32)v << 16; float f; memcpy(&f, &u, 4); return f; }
inline unsigned short f2b(float f) { u32 u; memcpy(&u, &f, 4); if (f != f) return 0x7fff; return (u + 0x7fffu + ((u >> 16) & 1)) >> 16; }
// Shared memory by its address. Beyond what the launch asked for there is none; static shared memory lies elsewhere.
inline unsigned short *sm16(u32 a) { if (a >= shared_bytes) die("shared address beyond what the launch asked for"); return (unsigned short *)(shared_memory + a); }
}
#define threadIdx (emu::cur->thread)
#define blockIdx (emu::block_index)
#define blockDim (emu::block_size)
#define gridDim (emu::grid_size)
#define DYN_SMEM(name) unsigned char *name = emu::shared_memory
static inline u32 smem_u32(const void *p) { return (u32)((const unsigned char *)p - emu::shared_memory); }
static inline void __syncthreads() { emu::collective(emu::block, (int)(emu::block_size.x * emu::block_size.y * emu::block_size.z), emu::cur->id, nullptr, [](void **) {}); }
static inline void __syncwarp() { emu::collective(emu::warps[emu::cur->warp], emu::warp_size[emu::cur->warp], emu::cur->lane, nullptr, [](void **) {}); }
static inline void __threadfence() {}
static inline void bar_sync(int id, int n) { emu::collective(emu::named[id], n, emu::named[id].arrived, nullptr, [](void **) {}); }
static inline void bar_arrive(int id, int n) { auto &g = emu::named[id]; if (++g.arrived == n) { g.arrived = 0; g.generation++; } }
static inline float shfl_xor(float v, int m) {
  struct S { float v, r; int m; } s{v, 0, m};
  emu::collective(emu::warps[emu::cur->warp], 32, emu::cur->lane, &s, [](void **p) { for (int i = 0; i < 32; i++) { S *a = (S *)p[i]; a->r = ((S *)p[i ^ a->m])->v; } });
  return s.r;
}
static inline void cp_async16(u32 dst, const void *src, bool ok) { emu::cur->open.push_back({(unsigned char *)emu::sm16(dst), src, ok}); if (dst & 15) emu::die("cp.async misaligned dst"); if (ok && ((uintptr_t)src & 15)) emu::die("cp.async misaligned src"); }
static inline void cp_commit() { emu::cur->groups.push_back(emu::cur->open); emu::cur->open.clear(); }
template <int N> static inline void cp_wait() { emu::flush(emu::cur, N); }
template <bool T> static inline void ldm4_(u32 (&r)[4], u32 a) {
  struct S { u32 a; u32 *r; } s{a, r};
  emu::collective(emu::warps[emu::cur->warp], 32, emu::cur->lane, &s, [](void **p) {
    for (int m = 0; m < 4; m++) for (int l = 0; l < 32; l++) {
      unsigned short v[2];
      for (int e = 0; e < 2; e++) {
        int row = T ? (l % 4) * 2 + e : l / 4, col = T ? l / 4 : (l % 4) * 2 + e;
        u32 ad = ((S *)p[m * 8 + row])->a; if (ad & 15) emu::die("ldmatrix misaligned");
        v[e] = emu::sm16(ad)[col];
      }
      ((S *)p[l])->r[m] = v[0] | ((u32)v[1] << 16);
    }
  });
}
static inline void ldm4(u32 (&r)[4], u32 a) { ldm4_<false>(r, a); }
static inline void ldm4t(u32 (&r)[4], u32 a) { ldm4_<true>(r, a); }
static inline void mma16816(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  struct S { float *c; const u32 *a; u32 b[2]; } s{c, a, {b0, b1}};
  emu::collective(emu::warps[emu::cur->warp], 32, emu::cur->lane, &s, [](void **p) {
    float A[16][16], B[16][8];
    for (int l = 0; l < 32; l++) { S *q = (S *)p[l]; int g = l / 4, t = l % 4;
      for (int i = 0; i < 4; i++) for (int e = 0; e < 2; e++) A[g + (i & 1) * 8][t * 2 + e + (i >> 1) * 8] = emu::b2f(q->a[i] >> (16 * e));
      for (int i = 0; i < 2; i++) for (int e = 0; e < 2; e++) B[t * 2 + e + i * 8][g] = emu::b2f(q->b[i] >> (16 * e)); }
    for (int l = 0; l < 32; l++) { S *q = (S *)p[l]; int g = l / 4, t = l % 4;
      for (int i = 0; i < 4; i++) { int row = g + (i >> 1) * 8, col = t * 2 + (i & 1); float x = q->c[i];
        for (int k = 0; k < 16; k++) x += A[row][k] * B[k][col]; q->c[i] = x; } }
  });
}
static inline float ex2(float x) { return exp2f(x); }
static inline u32 pack2(float lo, float hi) { return emu::f2b(lo) | ((u32)emu::f2b(hi) << 16); }
static inline void fence_async() {}
static inline void wg_fence() {}
static inline void wg_commit() {}
template <int N> static inline void wg_wait() {}
static inline void st_shared4(u32 a, u32 v) { memcpy(emu::sm16(a), &v, 4); }
static inline void st_shared_f(u32 a, float v) { memcpy(emu::sm16(a), &v, 4); }
static inline void st_shared_i(u32 a, int v) { memcpy(emu::sm16(a), &v, 4); }
static inline uint4 ld_shared16(u32 a) { uint4 v; memcpy(&v, emu::sm16(a), 16); if (a & 15) emu::die("ld.shared.v4 misaligned"); return v; }
static inline float2 ld_shared_f2(u32 a) { float2 v; memcpy(&v, emu::sm16(a), 8); return v; }
static inline int2 ld_shared_i2(u32 a) { int2 v; memcpy(&v, emu::sm16(a), 8); return v; }
static inline float __uint_as_float(u32 u) { float f; memcpy(&f, &u, 4); return f; }
static inline u32 __float_as_uint(float f) { u32 u; memcpy(&u, &f, 4); return u; }
static inline float __int_as_float(int u) { float f; memcpy(&f, &u, 4); return f; }
static inline float rsqrtf(float x) { return 1.f / sqrtf(x); }
#define __expf expf
#define __logf logf
static inline float __fdividef(float a, float b) { return a / b; }
static inline float log2_(float x) { return log2f(x); }
static inline int atomicAdd(int *p, int v) { int o = *p; *p += v; return o; }
static inline int __float_as_int(float f) { int u; memcpy(&u, &f, 4); return u; }
template <class T> static inline T __ldg(const T *p) { return *p; }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
// mbarriers by address; a bulk copy happens at its issue.
namespace emu {
inline MBarrier &mb(u32 a) { for (int i = 0; i < mbarrier_count; i++) if (mbarrier_at[i] == a) return mbarriers[i]; die("mbarrier not initialised"); }
inline void mb_check(MBarrier &m) { if (m.left == 0 && m.bytes == 0) { m.phase ^= 1; m.left = m.count; m.waiting.generation++; } if (m.left < 0) die("mbarrier: too many arrivals"); }
}
// What the driver's stand-in writes for cuTensorMapEncodeTiled.
struct TMap { u64 base, cols, rows, ld; u64 pad[12]; };
#define TMAP const TMap
static inline void mbar_init(u32 b, int n) { using namespace emu; if (b & 7) die("mbarrier misaligned"); mbarrier_at[mbarrier_count] = b; mbarriers[mbarrier_count] = MBarrier(); mbarriers[mbarrier_count].count = mbarriers[mbarrier_count].left = n; mbarrier_count++; }
static inline void mbar_init_done() {}
static inline void mbar_arrive(u32 b) { auto &m = emu::mb(b); m.left--; emu::mb_check(m); }
static inline void mbar_expect(u32 b, int bytes) { auto &m = emu::mb(b); m.bytes += bytes; m.left--; emu::mb_check(m); }
static inline void mbar_release(u32 b) { if (emu::cur->lane == 0) mbar_arrive(b); }
static inline void mbar_wait(u32 b, u32 parity) { auto &m = emu::mb(b); while (m.phase == parity) emu::wait_for(&m.waiting, m.waiting.generation); }
static inline void tma_box(u32 dst, const TMap &t, u32 bar, int col, int row) {
  if (dst & 1023) emu::die("tma: misaligned box");
  for (int r = 0; r < 32; r++) for (int c = 0; c < 64; c++) {
    u32 a = dst + r * 128 + c * 2; a ^= ((a >> 7) & 7) << 4;
    bool in = row + r >= 0 && (u64)(row + r) < t.rows && (u64)(col + c) < t.cols;
    *emu::sm16(a) = in ? *(unsigned short *)(t.base + (u64)(row + r) * t.ld + (col + c) * 2) : 0;
  }
  auto &m = emu::mb(bar); m.bytes -= 32 * 64 * 2; emu::mb_check(m);
}
template <int N> static inline void regs_up() {}
template <int N> static inline void regs_down() {}
// wgmma: the canonical 128-byte-swizzled layouts, addresses decoded from the descriptor.
namespace emu {
inline float at_k(u64 d, int r, int k) { // K-major
  u32 base = (u32)(d & 0x3fff) << 4, sbo = (u32)((d >> 32) & 0x3fff) << 4;
  if ((d >> 62) != 1) die("descriptor: not 128B swizzle");
  u32 a = base + (r / 8) * sbo + (r % 8) * 128 + k * 2; a ^= ((a >> 7) & 7) << 4; return b2f(*sm16(a));
}
inline float at_mn(u64 d, int n, int k) { // MN-major
  u32 base = (u32)(d & 0x3fff) << 4, lbo = (u32)((d >> 16) & 0x3fff) << 4, sbo = (u32)((d >> 32) & 0x3fff) << 4;
  if ((d >> 62) != 1) die("descriptor: not 128B swizzle");
  u32 a = base + (n / 64) * lbo + (n % 64) * 2 + (k / 8) * sbo + (k % 8) * 128; a ^= ((a >> 7) & 7) << 4; return b2f(*sm16(a));
}
struct WS { float *c; const u32 *a; u64 da, db; int zero; };
template <int N, bool RS, bool TB> inline void wgmma(float *c, const u32 *a, u64 da, u64 db, int acc) {
  WS s{c, a, da, db, !acc};
  collective(warpgroups[cur->warp / 4], 128, cur->id % 128, &s, [](void **p) {
    static float A[64][16], B[16][N];
    for (int t = 0; t < 128; t++) { WS *q = (WS *)p[t]; int w = t / 32, l = t % 32, g = l / 4, h = l % 4;
      if (RS) for (int i = 0; i < 4; i++) for (int e = 0; e < 2; e++) A[w * 16 + g + (i & 1) * 8][h * 2 + e + (i >> 1) * 8] = b2f(q->a[i] >> (16 * e)); }
    WS *q0 = (WS *)p[0];
    if (!RS) for (int r = 0; r < 64; r++) for (int k = 0; k < 16; k++) A[r][k] = at_k(q0->da, r, k);
    for (int k = 0; k < 16; k++) for (int n = 0; n < N; n++) B[k][n] = TB ? at_mn(q0->db, n, k) : at_k(q0->db, n, k);
    for (int t = 0; t < 128; t++) { WS *q = (WS *)p[t]; int w = t / 32, l = t % 32, g = l / 4, h = l % 4;
      if (q->da != q0->da || q->db != q0->db) die("wgmma: descriptors differ within the warpgroup");
      for (int j = 0; j < N / 8; j++) for (int i = 0; i < 4; i++) { int row = w * 16 + g + (i >> 1) * 8, col = j * 8 + h * 2 + (i & 1);
        float x = q->zero ? 0.f : q->c[j * 4 + i]; for (int k = 0; k < 16; k++) x += A[row][k] * B[k][col]; q->c[j * 4 + i] = x; } }
  });
}
}

// Binds a launch's arguments, whose types only the kernel knows; compiler.cpp adds a function for each kernel that calls it.
namespace emu {
template <class... A, size_t... I> Bound *bound_each(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
  std::tuple<std::remove_reference_t<std::remove_cv_t<A>>...> held(*(std::remove_reference_t<std::remove_cv_t<A>> *)arguments[I]...);
  return new Bound([kernel, held]() { std::apply(kernel, held); });
}
template <class... A> Bound *bind(void (*kernel)(A...), void **arguments) { return bound_each(kernel, arguments, std::index_sequence_for<A...>{}); }
}
