// The scales of quantised blocks.
#pragma once
#include "device.cuh"

// The value of an f16's bits: finite, as blocks are checked to be where they are read.
DEV float h2f(u32 h) {
#ifdef EMU
  int e = (h >> 10) & 31;
  float m = (h & 1023) / 1024.f, v = e ? ldexpf(1.f + m, e - 15) : ldexpf(m, -14);
  return (h & 0x8000) ? -v : v;
#else
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"((unsigned short)h));
  return f;
#endif
}
