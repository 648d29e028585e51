// The emulated multiprocessor: one block at a time, every thread of it a fiber. What kernels see of it; see kernel.h for
// the CUDA that is written over it.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

typedef unsigned short bf16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

struct uint3_ { unsigned x, y, z; };

namespace emu {
// Threads that wait for one another: a warp, a warpgroup, a block, a named barrier.
struct Group {
  int arrived = 0;
  unsigned generation = 0;
  void *slots[1024];
};

// One copy of cp.async on its way; it happens when the thread waits for it.
struct Copy { unsigned char *to; const void *from; bool inside; };

struct Fiber {
  void *stack_pointer;
  unsigned char *stack;
  uint3_ thread;
  int id, lane, warp;
  bool done, waiting;
  Group *waits_for;
  unsigned generation;
  std::vector<std::vector<Copy>> groups;
  std::vector<Copy> open;
};

// An mbarrier: arrivals and bytes that its phase still waits for.
struct MBarrier { int count = 0, left = 0; long bytes = 0; unsigned phase = 0; Group waiting; };

constexpr int MAX_THREADS = 1024;
constexpr int MAX_MBARRIERS = 64;

// The block that runs, and the thread of it.
extern Fiber *cur;
extern uint3_ block_index, block_size, grid_size;
extern unsigned char *shared_memory;
extern u32 shared_bytes;
extern Group warps[32], warpgroups[8], block, named[16];
extern int warp_size[32];
extern MBarrier mbarriers[MAX_MBARRIERS];
extern u32 mbarrier_at[MAX_MBARRIERS];
extern int mbarrier_count;

// Gives way until the group's generation has passed.
void wait_for(Group *group, unsigned generation);
// A kernel's mistake: says what and where on standard error, and ends the launch as failed.
[[noreturn]] void die(const char *mistake);

// Waits for `count` threads; the last to come runs `work` on what all brought, then all go on.
template <class F> inline void collective(Group &group, int count, int index, void *brought, F work) {
  group.slots[index] = brought;
  if (++group.arrived == count) {
    work(group.slots);
    group.arrived = 0;
    group.generation++;
  } else {
    wait_for(&group, group.generation);
  }
}

// A launch with its arguments, bound once so that a graph can repeat it.
using Bound = std::function<void()>;
// Runs a kernel over a grid; 0, or the driver's number of the failure.
int run(const char *name, const Bound &kernel, uint3_ grid, uint3_ threads, u32 shared);
// What the last launch did wrong, in words: the mistake, the kernel, its block and thread. Empty where it did nothing wrong.
const char *mistake();
}
