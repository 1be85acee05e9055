/* A plugin for QEMU's user mode that counts the guest's instructions between marks.
 *
 * A mark is the system call getpgid(MARK), which does nothing but fail, as no process has that number: a guest can
 * make it from any language. At each mark one decimal number is appended to the file that $INSTRUCTION_COUNTS names:
 * the instructions that the thread which makes it has executed so far.
 *
 * getpgid(PROFILE) asks where they are executed: if $INSTRUCTION_PROFILE names a file, that is written anew with a line
 * for each block of code that was executed since the last such call, by any thread: its address and its instructions.
 *
 * QEMU's headers aren't needed, as only what is used of them is declared
 * (https://www.qemu.org/docs/master/devel/tcg-plugins.html). Its version of the interface is given as PLUGIN_VERSION.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*translated_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_t)(unsigned int vcpu, void *data);
typedef void (*called_t)(qemu_plugin_id_t, unsigned int vcpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t,
                         uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_t);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed_t, enum qemu_plugin_cb_flags, void *data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, called_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = PLUGIN_VERSION;

enum { MOST_THREADS = 256, GETPGID = 155 /* on ARM64 */, MARK = 0x7fc0de, PROFILE = 0x7fc0df };

/* A block of code as QEMU translates it: entered at its start, left at its end. */
struct block {
  uint64_t address, instructions, entered;
  struct block *earlier;
};

static uint64_t executed[MOST_THREADS];
static struct block *blocks;
static FILE *counts;

static void on_executed(unsigned int vcpu, void *data) {
  struct block *block = data;
  executed[vcpu % MOST_THREADS] += block->instructions;
  ++block->entered;
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *translated) {
  (void)id;
  struct block *block = malloc(sizeof *block);
  if (!block) abort();
  /* QEMU translates one block at a time. */
  *block = (struct block){qemu_plugin_tb_vaddr(translated), qemu_plugin_tb_n_insns(translated), 0, blocks};
  blocks = block;
  qemu_plugin_register_vcpu_tb_exec_cb(translated, on_executed, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void write_profile(void) {
  const char *path = getenv("INSTRUCTION_PROFILE");
  FILE *profile = path ? fopen(path, "w") : NULL;
  for (struct block *block = blocks; block; block = block->earlier) {
    if (profile && block->entered)
      fprintf(profile, "%" PRIu64 " %" PRIu64 "\n", block->address, block->instructions * block->entered);
    block->entered = 0;
  }
  if (profile) fclose(profile);
}

static void on_system_call(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t argument, uint64_t b,
                           uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number == GETPGID && argument == PROFILE) write_profile();
  if (number != GETPGID || argument != MARK) return;
  fprintf(counts, "%" PRIu64 "\n", executed[vcpu % MOST_THREADS]);
  fflush(counts);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
  (void)info, (void)argc, (void)argv;
  const char *path = getenv("INSTRUCTION_COUNTS");
  counts = path ? fopen(path, "a") : NULL;
  if (!counts) {
    fprintf(stderr, "instruction_counter: INSTRUCTION_COUNTS names no file that can be written\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
  qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
  return 0;
}
