// Runs the blocks of a grid one after the other, their threads as fibers that take turns: warps in random order, so that
// a kernel that relies on an order is found; shared memory full of NaN at the beginning of every block.
#include "machine.h"
#include <algorithm>
#include <random>
#include <signal.h>
#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emu {
Fiber *cur;
uint3_ block_index, block_size, grid_size;
unsigned char *shared_memory;
u32 shared_bytes;
Group warps[32], warpgroups[8], block, named[16];
int warp_size[32];
MBarrier mbarriers[MAX_MBARRIERS];
u32 mbarrier_at[MAX_MBARRIERS];
int mbarrier_count;

static constexpr size_t SHARED_BYTES = 232448, STACK_BYTES = 1 << 18;
static Fiber fibers[MAX_THREADS];
static void *scheduler;
static const Bound *body;
static const char *kernel_name;
static bool failed;
static int failure;
enum { LAUNCH_FAILED = 719, ILLEGAL_ADDRESS = 700 };

// Saves the caller's registers and goes on where `to` was saved.
#if defined(__x86_64__)
extern "C" void emulation_switch(void **save, void *to);
asm(R"(.text
.globl emulation_switch
emulation_switch:
 pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
 movq %rsp, (%rdi)
 movq %rsi, %rsp
 popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
 ret
)");
static void entry();
static void prepare(Fiber &fiber) {
  void **top = (void **)(fiber.stack + STACK_BYTES);
  *--top = 0;
  *--top = (void *)entry;
  fiber.stack_pointer = top - 6;
}
#else
static void emulation_switch(void **save, void *to) {
  ucontext_t here;
  *save = &here;
  swapcontext(&here, (ucontext_t *)to);
}
static void entry();
static void prepare(Fiber &fiber) {
  static ucontext_t contexts[MAX_THREADS];
  ucontext_t &context = contexts[fiber.id];
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack;
  context.uc_stack.ss_size = STACK_BYTES;
  makecontext(&context, entry, 0);
  fiber.stack_pointer = &context;
}
#endif

// What went wrong last, for whoever asks the driver.
static char told[512];
const char *mistake() { return told; }

[[noreturn]] static void give_up(const char *mistake, int code) {
  snprintf(told, sizeof told, "%s in kernel %s, block %u,%u,%u, thread %d", mistake, kernel_name, block_index.x,
           block_index.y, block_index.z, cur ? cur->id : -1);
  fprintf(stderr, "emulation: %s\n", told);
  failed = true;
  failure = code;
  // Outside of a fiber there is nothing to go back to.
  if (!cur) abort();
  emulation_switch(&cur->stack_pointer, scheduler);
  abort();
}
void die(const char *mistake) { give_up(mistake, LAUNCH_FAILED); }

// An address that is nobody's ends the launch as on a card. While kernels run, and only for their threads.
static struct sigaction outer[2];
static void illegal_address(int signal, siginfo_t *info, void *) {
  if (!cur) {
    sigaction(SIGSEGV, &outer[0], nullptr);
    sigaction(SIGBUS, &outer[1], nullptr);
    return;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  // The handler does not return: the scheduler goes on in its place.
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  char text[64];
  snprintf(text, sizeof text, "illegal address %p", info->si_addr);
  give_up(text, ILLEGAL_ADDRESS);
}
struct Watch {
  stack_t before;
  Watch() {
    // The thread's own may be too small for a message.
    static unsigned char stack[1 << 16];
    stack_t roomy = {};
    roomy.ss_sp = stack;
    roomy.ss_size = sizeof stack;
    sigaltstack(&roomy, &before);
    struct sigaction own = {};
    own.sa_sigaction = illegal_address;
    own.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &own, &outer[0]);
    sigaction(SIGBUS, &own, &outer[1]);
  }
  ~Watch() {
    sigaltstack(&before, nullptr);
    sigaction(SIGSEGV, &outer[0], nullptr);
    sigaction(SIGBUS, &outer[1], nullptr);
  }
};

void wait_for(Group *group, unsigned generation) {
  cur->waits_for = group;
  cur->generation = generation;
  cur->waiting = true;
  emulation_switch(&cur->stack_pointer, scheduler);
}

// Copies that nobody waited for happen at the end.
static void finish_copies(Fiber &fiber) {
  for (auto &group : fiber.groups)
    for (auto &copy : group) copy.inside ? (void)memcpy(copy.to, copy.from, 16) : (void)memset(copy.to, 0, 16);
  fiber.groups.clear();
}

static void entry() {
  (*body)();
  finish_copies(*cur);
  cur->done = true;
  emulation_switch(&cur->stack_pointer, scheduler);
  abort();
}

static void begin_block(int threads) {
  memset(shared_memory, 0xff, SHARED_BYTES);
  mbarrier_count = 0;
  block = Group();
  for (auto &group : warps) group = Group();
  for (auto &group : warpgroups) group = Group();
  for (auto &group : named) group = Group();
  for (int i = 0; i < threads; i++) {
    Fiber &fiber = fibers[i];
    if (!fiber.stack)
      fiber.stack = (unsigned char *)mmap(0, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fiber.id = i;
    fiber.lane = i & 31;
    fiber.warp = i >> 5;
    fiber.done = fiber.waiting = false;
    fiber.groups.clear();
    fiber.open.clear();
    fiber.thread = {i % block_size.x, i / block_size.x % block_size.y, i / block_size.x / block_size.y};
    warp_size[i >> 5] = std::min(32, threads - (i & ~31));
    prepare(fiber);
  }
}

// Whole warps change places; a last one that is not whole stays.
static void shuffle_warps(std::vector<int> &order) {
  static std::mt19937 random(1);
  for (int i = (int)order.size() / 32 - 1; i > 0; i--) {
    int j = random() % (i + 1);
    if (i != j)
      for (int lane = 0; lane < 32; lane++) std::swap(order[i * 32 + lane], order[j * 32 + lane]);
  }
}

static void run_block(int threads) {
  begin_block(threads);
  std::vector<int> order(threads);
  for (int i = 0; i < threads; i++) order[i] = i;
  int left = threads;
  while (left && !failed) {
    shuffle_warps(order);
    bool moved = false;
    for (int i : order) {
      Fiber &fiber = fibers[i];
      if (fiber.done || (fiber.waiting && fiber.waits_for->generation == fiber.generation)) continue;
      fiber.waiting = false;
      cur = &fiber;
      moved = true;
      emulation_switch(&scheduler, fiber.stack_pointer);
      if (failed) break;
      if (fiber.done) left--;
    }
    if (!moved) {
      snprintf(told, sizeof told, "deadlock in kernel %s, block %u,%u,%u: %d threads wait", kernel_name, block_index.x,
               block_index.y, block_index.z, left);
      fprintf(stderr, "emulation: %s\n", told);
      failed = true;
      failure = LAUNCH_FAILED;
    }
  }
  cur = nullptr;
}

int run(const char *name, const Bound &kernel, uint3_ grid, uint3_ threads, u32 shared) {
  if (!shared_memory) {
    // On a boundary of 64 KiB: kernels align within it by its addresses.
    void *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared_memory = (unsigned char *)(((uintptr_t)memory + 0xffff) & ~(uintptr_t)0xffff);
  }
  kernel_name = name;
  body = &kernel;
  block_size = threads;
  grid_size = grid;
  shared_bytes = shared;
  failed = false;
  told[0] = 0;
  Watch watch;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        block_index = {x, y, z};
        run_block(threads.x * threads.y * threads.z);
        if (failed) return failure;
      }
  return 0;
}
}
