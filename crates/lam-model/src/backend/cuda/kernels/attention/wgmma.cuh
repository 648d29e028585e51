// wgmma.mma_async.m64nNk16: bf16 in, f32 out, for the warpgroup that calls. Only what the kernels use: A K-major in
// shared memory with B K-major (ss_k), and A in registers with B MN-major (rs_mn), both with the 128-byte swizzle. The
// accumulator d[N/8][4] has the order of mma.sync's m16n8 fragments. acc = 0: d is overwritten.
#pragma once
#include "../device.cuh"

// Descriptor of a matrix in shared memory, 128-byte swizzle; address and strides in units of 16 bytes.
// K-major operand:  rows of 64 values (128 B); sbo = bytes from 8 rows to the next 8 (1024), lbo unused.
// MN-major operand: rows (the K index) of 64 values of the M/N index; lbo = bytes to the next 64 of M/N, sbo = bytes to
// the next 8 of K (1024).
DEV u64 wg_desc(u32 addr, u32 lbo, u32 sbo) {
  return (u64)(addr >> 4) | ((u64)(lbo >> 4) << 16) | ((u64)(sbo >> 4) << 32) | (1ull << 62);
}

#ifdef EMU
#define WGMMA_SS(N) emu::wgmma<N, false, false>(&d[0][0], nullptr, da, db, acc)
#define WGMMA_RS(N) emu::wgmma<N, true, true>(&d[0][0], a, 0, db, acc)
#else
// The accumulator's registers, as the instruction names them and as asm is given them.
#define WG_NAMES_64                                                                                                    \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                                             \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WG_NAMES_96 WG_NAMES_64 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define WG_NAMES_128 WG_NAMES_96 ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WG_ROW(j) "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define WG_ROWS_64 WG_ROW(0), WG_ROW(1), WG_ROW(2), WG_ROW(3), WG_ROW(4), WG_ROW(5), WG_ROW(6), WG_ROW(7)
#define WG_ROWS_96 WG_ROWS_64, WG_ROW(8), WG_ROW(9), WG_ROW(10), WG_ROW(11)
#define WG_ROWS_128 WG_ROWS_96, WG_ROW(12), WG_ROW(13), WG_ROW(14), WG_ROW(15)
#define WG_NUMBER(x) #x
// DA, DB, ACC: the numbers of the operands behind the accumulator's.
#define WGMMA_SS_(N, DA, DB, ACC)                                                                                      \
  asm volatile("{\n.reg .pred p;\n"                                                                                    \
               "setp.ne.b32 p, " ACC ", 0;\n"                                                                          \
               "wgmma.mma_async.sync.aligned.m64n" WG_NUMBER(N) "k16.f32.bf16.bf16 "                                   \
                                                                "{" WG_NAMES_##N "}, " DA ", " DB ", p, 1, 1, 0, 0;\n" \
                                                                                 "}\n"                                 \
               : WG_ROWS_##N                                                                                           \
               : "l"(da), "l"(db), "r"(acc))
#define WGMMA_RS_(N, A, DB, ACC)                                                                                       \
  asm volatile("{\n.reg .pred p;\n"                                                                                    \
               "setp.ne.b32 p, " ACC ", 0;\n"                                                                          \
               "wgmma.mma_async.sync.aligned.m64n" WG_NUMBER(N) "k16.f32.bf16.bf16 "                                   \
                                                                "{" WG_NAMES_##N "}, {" A "}, " DB ", p, 1, 1, 1;\n"   \
                                                                                 "}\n"                                 \
               : WG_ROWS_##N                                                                                           \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(db), "r"(acc))
#define WGMMA_SS(N) WGMMA_SS_##N
#define WGMMA_SS_64 WGMMA_SS_(64, "%32", "%33", "%34")
#define WGMMA_SS_96 WGMMA_SS_(96, "%48", "%49", "%50")
#define WGMMA_SS_128 WGMMA_SS_(128, "%64", "%65", "%66")
#define WGMMA_RS(N) WGMMA_RS_##N
#define WGMMA_RS_64 WGMMA_RS_(64, "%32, %33, %34, %35", "%36", "%37")
#define WGMMA_RS_128 WGMMA_RS_(128, "%64, %65, %66, %67", "%68", "%69")
#endif

DEV void wgmma_n64_ss_k(float (&d)[8][4], u64 da, u64 db, int acc) { WGMMA_SS(64); }
DEV void wgmma_n96_ss_k(float (&d)[12][4], u64 da, u64 db, int acc) { WGMMA_SS(96); }
DEV void wgmma_n128_ss_k(float (&d)[16][4], u64 da, u64 db, int acc) { WGMMA_SS(128); }
DEV void wgmma_n64_rs_mn(float (&d)[8][4], const u32 (&a)[4], u64 db, int acc) { WGMMA_RS(64); }
DEV void wgmma_n128_rs_mn(float (&d)[16][4], const u32 (&a)[4], u64 db, int acc) { WGMMA_RS(128); }
