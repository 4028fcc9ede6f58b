/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * bpflink: an eBPF linker. Turns a compiled BPF object into exactly what a loader
 * hands to bpf(2): split, flattened, relocated for any kernel, finalized.
 * It never talks to the kernel to link; maps, loading and attaching are the loader's.
 *
 *     bpflink_object *object = NULL;
 *     bpflink_programs *programs = NULL;
 *     bpflink_error *error = NULL;
 *
 *     if (bpflink_object_from_file("probe.bpf.o", NULL, &object, &error) ||
 *         bpflink_link(object, NULL, NULL, &programs, &error))
 *             fprintf(stderr, "%s\n", bpflink_error_message(error));
 *     for (size_t i = 0; i < bpflink_programs_count(programs); i++) {
 *             bpflink_program_info p = { .size = sizeof p };
 *             bpflink_programs_get(programs, i, &p);
 *             printf("%s: %zu instructions\n", p.name, p.insn_count);
 *     }
 *     bpflink_error_free(error);
 *     bpflink_programs_free(programs);
 *     bpflink_object_free(object);
 *
 * Rules that hold everywhere:
 *
 * - A function that can fail returns 0 (BPFLINK_OK) or a positive BPFLINK_E_* code. Its
 *   last argument, where it has one, takes an error object with the whole cause: NULL if
 *   you do not want it. Only a failure writes to it, and you free it.
 * - Each handle has one _free, for which NULL is a no-op. What a handle was made of is
 *   held by counting references inside: free in any order.
 * - Inputs are borrowed for the call. Outputs (strings, arrays) are borrowed from the
 *   handle that gave them, until it is freed or changed; never free(3) them.
 * - Structs begin with their size: set it to sizeof before the call. Fields that an older
 *   library does not know must be zero; what a newer one adds, you do not see.
 * - Objects, BTF, targets and errors are immutable, and threads may share them. A program
 *   set is for one thread at a time.
 * - Every pointer is checked for NULL. Beyond that a pointer must be what its type says.
 */
#ifndef BPFLINK_H
#define BPFLINK_H

#include <stddef.h>
#include <stdint.h>

/* struct bpf_insn is linux/bpf.h's. */
struct bpf_insn;

#if defined(__GNUC__) || defined(__clang__)
#define BPFLINK_MUST_USE __attribute__((warn_unused_result))
#else
#define BPFLINK_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions. */

// Version of the header: the first number.
#define BPFLINK_VERSION_MAJOR 0

// Version of the header: the second number.
#define BPFLINK_VERSION_MINOR 1

// Version of the header: the third number.
#define BPFLINK_VERSION_PATCH 0

// The ABI that the header describes: the number in the name of the shared library.
#define BPFLINK_ABI 0

// The version of the library that is running, as `major << 16 | minor << 8 | patch`.
uint32_t bpflink_version(void);

// The version of the library that is running, as text. Never freed.
const char *bpflink_version_string(void);

/* ---- Status codes. */

// All went well.
#define BPFLINK_OK 0

// An argument that the call does not allow: NULL, an unknown flag, a wrong size.
#define BPFLINK_E_INVALID_ARGUMENT 1

// A call that the handle's state does not allow: a stage called twice, say.
#define BPFLINK_E_INVALID_STATE 2

// The operating system refused to read something; the error's errno says why.
#define BPFLINK_E_IO 3

// The object file is malformed.
#define BPFLINK_E_ELF 4

// BTF or .BTF.ext is malformed, or lacks what is needed.
#define BPFLINK_E_BTF 5

// Something valid that this library does not do: RELA, compressed sections.
#define BPFLINK_E_UNSUPPORTED 6

// A program, map or symbol of that name or number does not exist.
#define BPFLINK_E_NOT_FOUND 7

// A CO-RE relocation cannot be applied.
#define BPFLINK_E_RELOCATION 8

// A reference to a function, map or extern that nobody satisfied.
#define BPFLINK_E_UNRESOLVED 9

// A defect of this library; the handle that was used refuses further use.
#define BPFLINK_E_INTERNAL 10

// What a function returns: 0 (`BPFLINK_OK`) or one of the `BPFLINK_E_*` codes,
// all positive. The numbers are never reused; later versions may add some.
typedef uint32_t bpflink_status;

/* ---- The owned error object. */

// Why a call failed: status, message, errno and site.
//
// Owned by the caller, who frees it with `bpflink_error_free`; independent of
// the handles that the failed call worked on. Immutable: threads may share it.
typedef struct bpflink_error bpflink_error;

// Where an error happened. What is not known is NULL or -1 or 0.
typedef struct bpflink_site {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The object's path, or the name that the caller gave it.
        const char *object;
        // The program that was being linked.
        const char *program;
        // The ELF section.
        const char *section;
        // The function that `insn` is counted in, or another symbol.
        const char *symbol;
        // The source file that the instruction was compiled from.
        const char *file;
        // The instruction slot from the start of `symbol`, else of `program`, else of `section`; or -1.
        int64_t insn;
        // The number of the relocation or .BTF.ext record in its section; or -1.
        int64_t record;
        // The source line, from 1; or 0.
        uint32_t line;
        // The source column, from 1; or 0.
        uint32_t column;
} bpflink_site;

// The whole cause in one line: which program, where, what, why. Borrowed until
// the error is freed; for NULL an empty string.
const char *bpflink_error_message(const struct bpflink_error *error);

// The status that the failed call returned; `BPFLINK_OK` for NULL.
bpflink_status bpflink_error_status(const struct bpflink_error *error);

// The operating system's error number, where it was the operating system; else 0.
int bpflink_error_errno(const struct bpflink_error *error);

// Where it happened. The strings are borrowed until the error is freed.
bpflink_status bpflink_error_site(const struct bpflink_error *error, struct bpflink_site *site);

// Frees an error; NULL is fine.
void bpflink_error_free(struct bpflink_error *error);

/* ---- Warnings for the caller, during the call and on its thread. */

// Something odd that is no reason to fail.
#define BPFLINK_LOG_WARNING 1

// Called with a level (`BPFLINK_LOG_*`) and one line of text, during the call
// whose options name it and on that thread. The text is borrowed for the callback.
typedef void (*bpflink_log_fn)(void *context, uint32_t level, const char *message);

/* ---- Objects: what a file says. */

// Little endian: `bpfel`.
#define BPFLINK_LITTLE_ENDIAN 0

// Big endian: `bpfeb`.
#define BPFLINK_BIG_ENDIAN 1

// A kernel function.
#define BPFLINK_EXTERN_KFUNC 0

// A kernel variable.
#define BPFLINK_EXTERN_KSYM 1

// A kernel configuration value.
#define BPFLINK_EXTERN_KCONFIG 2

// An undefined symbol that BTF says nothing about.
#define BPFLINK_EXTERN_UNKNOWN 3

// A compiled BPF object, or a raw instruction stream made to look like one: what
// the file says, nothing about any machine. Immutable: threads may share it.
typedef struct bpflink_object bpflink_object;

// How to open an object. All zero but the size, or no struct, means the defaults.
typedef struct bpflink_object_options {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // No flags are known yet: 0.
        uint64_t flags;
        // What errors call the object; NULL for its path.
        const char *name;
        // Called with warnings; NULL for none.
        bpflink_log_fn log;
        // Passed to `log`.
        void *log_context;
} bpflink_object_options;

// What an object says about itself. All pointers are borrowed until it is freed.
typedef struct bpflink_object_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // Its path, or the name that the caller gave it.
        const char *name;
        // What its section `license` says, or NULL.
        const char *license;
        // Its BTF as the compiler wrote it, or NULL. (For BPF_BTF_LOAD take `bpflink_programs_btf`.)
        const void *btf;
        // Bytes of `btf`.
        size_t btf_size;
        // Number of its maps.
        size_t map_count;
        // Number of symbols that somebody else defines.
        size_t extern_count;
        // Kernel version of its section `version`, as LINUX_VERSION_CODE; else 0.
        uint32_t kernel_version;
        // `BPFLINK_LITTLE_ENDIAN` or `BPFLINK_BIG_ENDIAN`.
        uint32_t byte_order;
} bpflink_object_info;

// A symbol that the object uses and somebody else defines.
typedef struct bpflink_extern_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The symbol's name, borrowed until the object is freed.
        const char *name;
        // `BPFLINK_EXTERN_*`.
        uint32_t kind;
        // 1 where it may stay undefined, else 0.
        uint32_t weak;
        // Its type id in the object's BTF, or 0.
        uint32_t btf_id;
        // 0; no meaning yet.
        uint32_t flags;
} bpflink_extern_info;

// Opens an object file: ELF64, relocatable, of either byte order.
BPFLINK_MUST_USE
bpflink_status bpflink_object_from_file(const char *path,
                                        const struct bpflink_object_options *options,
                                        struct bpflink_object **object,
                                        bpflink_error **error);

// Opens an object file that lies in memory. `data` (`size` bytes) is borrowed for the call.
BPFLINK_MUST_USE
bpflink_status bpflink_object_from_memory(const void *data,
                                          size_t size,
                                          const struct bpflink_object_options *options,
                                          struct bpflink_object **object,
                                          bpflink_error **error);

// Describes an object.
bpflink_status bpflink_object_get(const struct bpflink_object *object,
                                  struct bpflink_object_info *info);

// Number of symbols that somebody else defines; 0 for NULL.
size_t bpflink_object_extern_count(const struct bpflink_object *object);

// One symbol that somebody else defines.
bpflink_status bpflink_object_extern(const struct bpflink_object *object,
                                     size_t index,
                                     struct bpflink_extern_info *info);

// Frees an object; NULL is fine. Program sets made of it stay valid.
void bpflink_object_free(struct bpflink_object *object);

/* ---- Maps as the object defines them. */

// A variable of `.maps`.
#define BPFLINK_MAP_BTF 0

// A `struct bpf_map_def` of the legacy section `maps`.
#define BPFLINK_MAP_LEGACY 1

// `.data*`.
#define BPFLINK_MAP_DATA 2

// `.rodata*`: the loader freezes it after filling it, before loading programs.
#define BPFLINK_MAP_RODATA 3

// `.bss*`: all zeros at first.
#define BPFLINK_MAP_BSS 4

// `.kconfig`: values of the kernel's configuration; frozen as `.rodata` is.
#define BPFLINK_MAP_KCONFIG 5

// The map's symbol is weak.
#define BPFLINK_MAP_WEAK 1

// The map's symbol is hidden from other objects.
#define BPFLINK_MAP_HIDDEN 2

// The map is to be pinned by its name (LIBBPF_PIN_BY_NAME).
#define BPFLINK_MAP_PINNED 4

// The map holds maps; `bpflink_object_map_inner` describes them.
#define BPFLINK_MAP_HAS_INNER 8

// A map's entry is another map.
#define BPFLINK_ENTRY_MAP 0

// A map's entry is a program.
#define BPFLINK_ENTRY_PROGRAM 1

// What BPF_MAP_CREATE needs. All pointers are borrowed until the object is freed.
typedef struct bpflink_map_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The symbol's name; for a data section the section's own. (The kernel takes 15
        // bytes of letters, digits, `_` and `.` at most.)
        const char *name;
        // The section that defines it.
        const char *section;
        // The first value's contents, of an arena its global variables; or NULL where there are
        // none (`.bss` is all zeros). See `bpflink_programs_map_contents`.
        const void *initial;
        // Bytes of `initial`.
        size_t initial_size;
        // map_extra.
        uint64_t map_extra;
        // `BPFLINK_MAP_BTF` to `BPFLINK_MAP_KCONFIG`: how it is defined.
        uint32_t origin;
        // `BPFLINK_MAP_WEAK` and the like.
        uint32_t flags;
        // BPF_MAP_TYPE_*.
        uint32_t type;
        // Bytes of a key.
        uint32_t key_size;
        // Bytes of a value.
        uint32_t value_size;
        // Number of entries.
        uint32_t max_entries;
        // BPF_F_*.
        uint32_t map_flags;
        // The NUMA node, where `map_flags` has BPF_F_NUMA_NODE.
        uint32_t numa_node;
        // The key's type id in `bpflink_programs_btf`, or 0.
        uint32_t key_type_id;
        // The value's type id in `bpflink_programs_btf`; for a data section its DATASEC; or 0.
        uint32_t value_type_id;
} bpflink_map_info;

// What the loader puts into a map of maps or a program array.
typedef struct bpflink_map_entry {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The map's or program's name, borrowed until the object is freed.
        const char *name;
        // The key.
        uint32_t key;
        // `BPFLINK_ENTRY_MAP` or `BPFLINK_ENTRY_PROGRAM`.
        uint32_t kind;
} bpflink_map_entry;

// Number of maps, data sections included; 0 for NULL.
size_t bpflink_object_map_count(const bpflink_object *object);

// Describes one map. Maps of `.maps` and `maps` come first, then data sections.
bpflink_status bpflink_object_map(const bpflink_object *object,
                                  size_t index,
                                  struct bpflink_map_info *info);

// Describes the maps that a map of maps holds, by the same struct.
bpflink_status bpflink_object_map_inner(const bpflink_object *object,
                                        size_t index,
                                        struct bpflink_map_info *info);

// Number of initial entries of a map of maps or a program array; else 0.
size_t bpflink_object_map_entry_count(const bpflink_object *object, size_t index);

// One initial entry of a map of maps or a program array.
bpflink_status bpflink_object_map_entry(const bpflink_object *object,
                                        size_t index,
                                        size_t number,
                                        struct bpflink_map_entry *entry);

/* ---- BTF of kernels and modules. */

// BTF of a kernel or of a module, read in place. Immutable: threads may share it.
typedef struct bpflink_btf bpflink_btf;

// Reads BTF from a file: raw, or an ELF file that has a section `.BTF`. With a
// base it is split BTF (a module's, over vmlinux); a module's file that has a section
// `.BTF.base` is moved from there onto the base, see `bpflink_btf_relocate`. It is called by the file's name
// without directories and extension.
BPFLINK_MUST_USE
bpflink_status bpflink_btf_from_file(const char *path,
                                     const struct bpflink_btf *base,
                                     struct bpflink_btf **btf,
                                     bpflink_error **error);

// Takes BTF from memory: raw, or an ELF file that has a section `.BTF`. `data`
// (`size` bytes) is copied. `name` is the module's name; NULL for `vmlinux`.
BPFLINK_MUST_USE
bpflink_status bpflink_btf_from_memory(const void *data,
                                       size_t size,
                                       const char *name,
                                       const struct bpflink_btf *base,
                                       struct bpflink_btf **btf,
                                       bpflink_error **error);

// Moves split BTF from a distilled base onto the BTF of a kernel. A module that was built
// apart from its kernel has one, its section `.BTF.base`: read it without a base, the
// module's `.BTF` over it, and move that. (ELF files with both sections are moved by
// `bpflink_btf_from_file` and `_from_memory` themselves.) Each type of the distilled
// base must be in the kernel's exactly once: by name and kind, integers and enums by
// size too, structs by size where the module embeds them or the kernel has several;
// else `BPFLINK_E_BTF`. The rules are the kernel's (Linux 6.11). The new handle has the
// old one's name.
BPFLINK_MUST_USE
bpflink_status bpflink_btf_relocate(const struct bpflink_btf *split,
                                    const struct bpflink_btf *base,
                                    struct bpflink_btf **btf,
                                    bpflink_error **error);

// The running kernel's BTF: parsed once for the process and shared by all who ask.
// A failure is not remembered: the next call tries again.
BPFLINK_MUST_USE
bpflink_status bpflink_btf_kernel(struct bpflink_btf **btf,
                                  bpflink_error **error);

// Forgets the running kernel's BTF; handles already given out stay valid.
void bpflink_btf_kernel_flush(void);

// One past the last type id, those of the base and void counted; 0 for NULL.
uint32_t bpflink_btf_type_count(const struct bpflink_btf *btf);

// The raw bytes, header included; their number goes to `size`. Borrowed until the
// handle is freed.
const void *bpflink_btf_data(const struct bpflink_btf *btf, size_t *size);

// Frees a BTF handle; NULL is fine. Targets and split BTF made of it stay valid.
void bpflink_btf_free(struct bpflink_btf *btf);

/* ---- The target: all that a link knows about a kernel. */

// The target is the running kernel with changes: what is not given is this machine's,
// read and probed when it is first needed. Without the flag nothing of this machine is
// looked at. (Its modules are left out where another `vmlinux` is given.)
#define BPFLINK_TARGET_RUNNING 1

// A kernel to link for. Immutable: threads may share it. Wherever a call takes
// one, NULL is the running kernel.
typedef struct bpflink_target bpflink_target;

// Describes a kernel: one that is not the running one, or (with
// `BPFLINK_TARGET_RUNNING`) this one with changes.
typedef struct bpflink_target_options {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // `BPFLINK_TARGET_RUNNING`, or 0.
        uint64_t flags;
        // The kernel's own BTF; NULL where it has none.
        const bpflink_btf *vmlinux;
        // BTF of modules, over `vmlinux` as base; each is called by its handle's name.
        bpflink_btf *const *modules;
        // Number of `modules`.
        size_t module_count;
        // The release, as "5.10.0": what the kernel supports follows from it. NULL means
        // the newest kernel.
        const char *release;
        // The configuration that the kernel was built from, as text; NULL where it is not
        // known. It answers externs of `.kconfig`.
        const char *kconfig;
        // The kernel's symbols, as the text of /proc/kallsyms; NULL where they are not known.
        // It answers untyped externs of `.ksyms`.
        const char *kallsyms;
        // Features (`BPFLINK_FEATURE_*`) that the kernel has whatever its release: ported
        // back, or asked for by hand.
        uint64_t features_added;
        // Features that it lacks whatever its release; none may be in both.
        uint64_t features_removed;
} bpflink_target_options;

// Makes a target. BTF and strings are borrowed for the call; the target keeps what
// it needs alive.
BPFLINK_MUST_USE
bpflink_status bpflink_target_new(const struct bpflink_target_options *options,
                                  struct bpflink_target **target,
                                  bpflink_error **error);

// Frees a target; NULL is fine.
void bpflink_target_free(struct bpflink_target *target);

/* ---- Features: what kernels support, as far as a link depends on it. */

// A program may have a name (Linux 4.15).
#define BPFLINK_FEATURE_PROG_NAME 1

// BPF_PROG_LOAD looks at expected_attach_type (4.17).
#define BPFLINK_FEATURE_EXP_ATTACH_TYPE 2

// BTF can be loaded at all (4.18).
#define BPFLINK_FEATURE_BTF 4

// BTF of functions, with it func_info and line_info (5.0).
#define BPFLINK_FEATURE_BTF_FUNC 8

// BTF of variables and data sections (5.2).
#define BPFLINK_FEATURE_BTF_DATASEC 16

// Instructions may refer to the value of an array map (5.2).
#define BPFLINK_FEATURE_GLOBAL_DATA 32

// Array maps can be mapped into user space (5.5).
#define BPFLINK_FEATURE_ARRAY_MMAP 64

// bpf_probe_read_kernel, bpf_probe_read_user and their string variants (5.5).
#define BPFLINK_FEATURE_PROBE_READ_KERNEL 128

// BTF of functions that are not static (5.6).
#define BPFLINK_FEATURE_BTF_FUNC_GLOBAL 256

// Modules have BTF (5.11).
#define BPFLINK_FEATURE_MODULE_BTF 512

// BTF of floating-point types (5.13).
#define BPFLINK_FEATURE_BTF_FLOAT 1024

// bpf_get_attach_cookie for perf links (5.15).
#define BPFLINK_FEATURE_BPF_COOKIE 2048

// BTF of declaration tags (5.16).
#define BPFLINK_FEATURE_BTF_DECL_TAG 4096

// BTF of type tags (5.17).
#define BPFLINK_FEATURE_BTF_TYPE_TAG 8192

// BTF of enums of 64 bits, and signs of enums (6.0).
#define BPFLINK_FEATURE_BTF_ENUM64 16384

// The tag `arg:ctx` of a global function's parameter is understood (6.8).
#define BPFLINK_FEATURE_ARG_CTX_TAG 32768

// Names of data sections may hold any printable character, `?` among them (6.9).
#define BPFLINK_FEATURE_BTF_QMARK_DATASEC 65536

// References may lie 512 MiB and more behind the start of a map's value (7.0).
#define BPFLINK_FEATURE_FAR_MAP_VALUE 131072

// Which of the features in `asked` (flags `BPFLINK_FEATURE_*`; ~0 for all) a target
// supports; NULL is the running kernel, which is asked for these alone, by loading
// something small: once in the process for each feature. Where it does not answer
// (for want of privilege), its release decides.
BPFLINK_MUST_USE
bpflink_status bpflink_target_features(const bpflink_target *target,
                                       uint64_t asked,
                                       uint64_t *supported,
                                       bpflink_error **error);

// The name of one `BPFLINK_FEATURE_*`, as `btf_float`; NULL where it is none. Never freed.
const char *bpflink_feature_name(uint64_t feature);

// The `BPFLINK_FEATURE_*` of that name; 0 where there is none, and for NULL.
uint64_t bpflink_feature_by_name(const char *name);

// The first release that has one `BPFLINK_FEATURE_*`, as `major << 16 | minor << 8`;
// 0 where it is none. Distributions port features back: what a target says counts.
uint32_t bpflink_feature_since(uint64_t feature);

/* ---- Options of the link stages. */

// relocate: an instruction that would be poisoned fails its program instead.
#define BPFLINK_POISON_IS_ERROR 1

// relocate: choose among candidates as strictly as libbpf does: relocation by relocation,
// all that match must agree.
#define BPFLINK_LIBBPF_CANDIDATES 2

// finalize: leave references to maps without a file descriptor; they stay listed
// for the loader to fill. (`bpflink_link` always does.)
#define BPFLINK_LEAVE_MAP_REFERENCES 4

// How to link. One struct serves all stages; each looks at what concerns it.
// All zero but the size, or no struct at all, means the defaults.
typedef struct bpflink_link_options {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // `BPFLINK_POISON_IS_ERROR` and the like.
        uint64_t flags;
        // Names of the programs to work on; NULL for all entry programs.
        const char *const *programs;
        // Number of `programs`.
        size_t program_count;
        // Called with warnings; NULL for none.
        bpflink_log_fn log;
        // Passed to `log`.
        void *log_context;
} bpflink_link_options;

/* ---- The program set. */

// The programs of one object on their way through the stages. For one thread
// at a time; it keeps its object alive.
typedef struct bpflink_programs bpflink_programs;

// Number of programs; 0 for NULL.
size_t bpflink_programs_count(const struct bpflink_programs *programs);

// The number of the program of this name, for the calls that take one.
bpflink_status bpflink_programs_find(const struct bpflink_programs *programs,
                                     const char *name,
                                     size_t *index);

// Says which file descriptor stands for a map, before finalize writes it into the
// instructions. The descriptor stays the caller's to close.
bpflink_status bpflink_programs_set_map_fd(struct bpflink_programs *programs,
                                           const char *map,
                                           int fd,
                                           bpflink_error **error);

// The object's BTF as the target accepts it, for BPF_BTF_LOAD: what the type ids
// in func_info, line_info and map definitions count in. Returns its bytes and
// writes their number to `size`; NULL and 0 before finalize, and where the object
// or the target has no BTF.
//
// It holds what all programs of the set need; only a finalize that chooses a function
// that was no program before may add types, behind those that are there.
const void *bpflink_programs_btf(const struct bpflink_programs *programs, size_t *size);

// The contents that a map starts with, by its number in the object: those of
// `bpflink_object_map`, and of `.kconfig` what finalize found on the target. Returns
// the bytes and writes their number to `size`; NULL and 0 for a map that starts empty
// or all zeros. They are the map's first value, but of an arena (BPF_MAP_TYPE_ARENA) the
// global variables in it, which the loader copies to `bpflink_programs_map_contents_offset`.
const void *bpflink_programs_map_contents(const struct bpflink_programs *programs,
                                          size_t map,
                                          size_t *size);

// Where in a map its contents go, bytes: 0, but for an arena with global variables. They lie
// in its last pages, as libbpf places them, or on kernels before 7.0 in its first; finalize
// decides for its target (pages of CONFIG_PAGE_SHIFT, else of 4096 bytes). The loader
// creates the arena with the `max_entries` of `bpflink_object_map`, maps it, and copies
// the contents to this offset before it loads programs.
uint64_t bpflink_programs_map_contents_offset(const struct bpflink_programs *programs,
                                              size_t map);

// Number of warnings so far; 0 for NULL.
size_t bpflink_programs_warning_count(const struct bpflink_programs *programs);

// One warning, or NULL. Borrowed until the set is changed or freed.
const char *bpflink_programs_warning(const struct bpflink_programs *programs, size_t index);

// Frees a program set; NULL is fine. What was borrowed from it ends here.
void bpflink_programs_free(struct bpflink_programs *programs);

/* ---- The stages. */

// Split: cuts the object's instruction streams at their symbols. The set holds one
// program for each entry function: one that is not static and not in `.text`.
//
// A stream that is empty, does not start with a symbol, or repeats a symbol is an
// error that names it. Where the file got a single instruction wrong, the programs
// that contain it are marked as failed and `*programs` is made all the same.
BPFLINK_MUST_USE
bpflink_status bpflink_split(const bpflink_object *object,
                             const bpflink_link_options *options,
                             bpflink_programs **programs,
                             bpflink_error **error);

// Flatten: appends to each chosen program every function that it reaches, once
// each: breadth first, the direct references of each function in order of name.
// Behind all others comes the function that the program's declaration tag
// `exception_callback:NAME` names, with what it reaches besides.
//
// A reference without a body (an extern) is left alone. flatten and relocate may
// be called in either order, with the same result.
BPFLINK_MUST_USE
bpflink_status bpflink_flatten(bpflink_programs *programs,
                               const bpflink_link_options *options,
                               bpflink_error **error);

// Relocate: applies CO-RE relocations for a target; NULL is this machine.
//
// Each program is relocated whole, or left as it was and marked as failed while
// the others go on; the status is then that of the first that failed. Without
// relocations no BTF of the target is looked at.
BPFLINK_MUST_USE
bpflink_status bpflink_relocate(bpflink_programs *programs,
                                const bpflink_target *target,
                                const bpflink_link_options *options,
                                bpflink_error **error);

// Finalize: resolves offsets of calls and map references, replaces helpers that
// the target lacks (NULL is this machine), prepares func_info, line_info and the
// program BTF.
//
// A map without a file descriptor fails the program that refers to it, unless
// `BPFLINK_LEAVE_MAP_REFERENCES` is set.
BPFLINK_MUST_USE
bpflink_status bpflink_finalize(bpflink_programs *programs,
                                const bpflink_target *target,
                                const bpflink_link_options *options,
                                bpflink_error **error);

// Link: all stages in one call, for a target (NULL is this machine). References to
// maps stay listed for the loader to fill.
//
// When some program fails, `*programs` is made all the same, the others in it are
// usable, and the status is that of the first that failed; it is NULL only where
// the object as a whole cannot be linked.
BPFLINK_MUST_USE
bpflink_status bpflink_link(const bpflink_object *object,
                            const bpflink_target *target,
                            const bpflink_link_options *options,
                            bpflink_programs **programs,
                            bpflink_error **error);

/* ---- One program of a set. */

// A program's section begins with `?`: it is loaded only when asked for. So is a program
// of `struct_ops` that no variable holds, or only variables of `?` sections.
#define BPFLINK_PROGRAM_OPTIONAL 1

// A stage could not serve the program; `bpflink_program_error` says why.
#define BPFLINK_PROGRAM_FAILED 2

// finalize is done: the instructions are ready for bpf(2), but for what
// `bpflink_program_reference` lists as unresolved.
#define BPFLINK_PROGRAM_FINALIZED 4

// Programs of this type have an expected attach type.
#define BPFLINK_PROGRAM_HAS_ATTACH_TYPE 8

// What a loader passes to BPF_PROG_LOAD. All pointers are borrowed until the set
// is changed or freed.
typedef struct bpflink_program_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The name of the entry function.
        const char *name;
        // The ELF section that it was defined in.
        const char *section;
        // What the object's section `license` says, or NULL.
        const char *license;
        // The instructions as far as the stages have come, in the object's byte order
        // and the layout of `struct bpf_insn` (8 bytes each).
        const struct bpf_insn *insns;
        // Number of instruction slots.
        size_t insn_count;
        // func_info records, or NULL; there after finalize.
        const void *func_info;
        // line_info records, or NULL; there after finalize.
        const void *line_info;
        // Number of func_info records.
        uint32_t func_info_count;
        // Bytes of one func_info record.
        uint32_t func_info_rec_size;
        // Number of line_info records.
        uint32_t line_info_count;
        // Bytes of one line_info record.
        uint32_t line_info_rec_size;
        // BPF_PROG_TYPE_*, by the section's name; 0 where that is not known.
        uint32_t type;
        // expected_attach_type, by the section's name; of a `struct_ops` program the number of
        // its member, once finalize found it; see `BPFLINK_PROGRAM_HAS_ATTACH_TYPE`.
        uint32_t attach_type;
        // prog_flags for the load (BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS), by the section's name.
        uint32_t load_flags;
        // `BPFLINK_PROGRAM_OPTIONAL` and the like.
        uint32_t flags;
        // The kernel version of the object's section `version`, or 0.
        uint32_t kernel_version;
        // The status of the stage that failed, or 0.
        bpflink_status status;
} bpflink_program_info;

// Describes one program.
bpflink_status bpflink_programs_get(const bpflink_programs *programs,
                                    size_t index,
                                    struct bpflink_program_info *info);

// Why a program cannot be linked, or NULL where it stands. Borrowed until the set
// is changed or freed: not to be freed by the caller.
const bpflink_error *bpflink_program_error(const bpflink_programs *programs, size_t index);

// Whether the program's instructions refer to functions of the object (calls or
// addresses), or a function is its exception callback: whether flatten has something
// to append. Writes 1 or 0 to `answer`.
bpflink_status bpflink_has_function_references(const bpflink_programs *programs,
                                               size_t index,
                                               int *answer);

/* ---- What a program is made of: functions, references, relocations. */

// A map's file descriptor goes into `imm`.
#define BPFLINK_REF_MAP_FD 0

// A map's file descriptor goes into `imm`; the offset stands in the next slot's.
#define BPFLINK_REF_MAP_VALUE 1

// A kernel function.
#define BPFLINK_REF_KFUNC 2

// A kernel variable's address.
#define BPFLINK_REF_KSYM 3

// A kernel variable's BTF type id.
#define BPFLINK_REF_BTF_ID 4

// A symbol that nobody is known to define.
#define BPFLINK_REF_UNKNOWN 5

// A table of indirect jumps: the file descriptor of the map that the loader makes of it
// (`bpflink_program_jump_table`) goes into `imm`.
#define BPFLINK_REF_JUMP_TABLE 6

// The instruction has a new value.
#define BPFLINK_OUTCOME_PATCHED 0

// The value was already right.
#define BPFLINK_OUTCOME_UNCHANGED 1

// The target lacks it, and the relocation asked just that: the value is 0.
#define BPFLINK_OUTCOME_ABSENT 2

// The target lacks it: the instruction became a call that no kernel accepts.
#define BPFLINK_OUTCOME_POISONED 3

// A function of a program's stream.
typedef struct bpflink_function_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // Its name.
        const char *name;
        // Its first instruction slot in the program.
        uint32_t insn;
        // Its length in slots.
        uint32_t insn_count;
} bpflink_function_info;

// What an instruction refers to outside its program.
typedef struct bpflink_reference_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The ELF symbol's name, or the data section's. Of a variable of the arena it is the
        // arena's, of a table of indirect jumps `.jumptables`.
        const char *name;
        // The module that defines it; empty for the kernel itself and for maps.
        const char *module;
        // For `BPFLINK_REF_MAP_VALUE`, the offset into the value, bytes (for an arena, after
        // finalize, into the arena); for `BPFLINK_REF_JUMP_TABLE`, into the table.
        int64_t offset;
        // The instruction slot in the program.
        uint32_t insn;
        // `BPFLINK_REF_*`.
        uint32_t kind;
        // 1 where nothing is left for the loader to fill, else 0.
        uint32_t resolved;
        // The map's number in its object, for references to maps; the table's in its program,
        // for `BPFLINK_REF_JUMP_TABLE` after finalize; else 0.
        uint32_t map;
        // For a kernel function or typed variable that was found, its type id in the BTF of
        // the kernel or of `module`; else 0.
        uint32_t type_id;
        // For a function of a module, the index in fd_array of BPF_PROG_LOAD where the file
        // descriptor of the module's BTF goes (the first is 1); else 0.
        uint32_t fd_array_index;
} bpflink_reference_info;

// What one CO-RE relocation did.
typedef struct bpflink_relocation_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The local type and access, as `struct task_struct.pid (0:58)`.
        const char *local;
        // The same of the target, or NULL where it has none.
        const char *target;
        // Why it was poisoned or absent, or NULL.
        const char *reason;
        // The instruction's value as the compiler wrote it.
        int64_t old_value;
        // Its value now; 0 for a poisoned one.
        int64_t new_value;
        // The instruction slot in the program.
        uint32_t insn;
        // The kernel's `enum bpf_core_relo_kind` (linux/bpf.h).
        uint32_t kind;
        // `BPFLINK_OUTCOME_*`.
        uint32_t outcome;
        // 0; no meaning yet.
        uint32_t flags;
        // The module whose BTF `target_type_id` counts in; NULL for vmlinux, and where nothing
        // stands for the local type.
        const char *module;
        // The type of the target that answered; 0 where none did.
        uint32_t target_type_id;
        // The type of the object's BTF that the access starts at.
        uint32_t local_type_id;
} bpflink_relocation_info;

// Number of functions of a program: 1 before flatten; 0 where there is no such program.
size_t bpflink_program_function_count(const bpflink_programs *programs, size_t index);

// One function of a program, in the order of the stream, the entry first. Its name
// is borrowed until the set is changed or freed.
bpflink_status bpflink_program_function(const bpflink_programs *programs,
                                        size_t index,
                                        size_t number,
                                        struct bpflink_function_info *info);

// Number of references of a program to maps and externs.
size_t bpflink_program_reference_count(const bpflink_programs *programs, size_t index);

// One reference of a program, in the order of the stream. Its strings are borrowed
// until the set is changed or freed.
bpflink_status bpflink_program_reference(const bpflink_programs *programs,
                                         size_t index,
                                         size_t number,
                                         struct bpflink_reference_info *info);

// Number of CO-RE relocations of a program; 0 before relocate.
size_t bpflink_program_relocation_count(const bpflink_programs *programs, size_t index);

// What one CO-RE relocation did, in the order of the stream. The strings are
// borrowed until the set is changed or freed.
bpflink_status bpflink_program_relocation(const bpflink_programs *programs,
                                          size_t index,
                                          size_t number,
                                          struct bpflink_relocation_info *info);

/* ---- Tables of indirect jumps. */

// A table of the indirect jumps (`gotox`) of a program, out of the object's section
// `.jumptables`. The loader makes a map of it, for this program alone:
// BPF_MAP_TYPE_INSN_ARRAY, keys of 4 bytes, values of `struct bpf_insn_array_value`,
// `target_count` entries, each with its slot in `orig_off`. It freezes the map
// and puts its file descriptor into `imm` of each of `insns` before it loads the program.
typedef struct bpflink_jump_table_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The ELF symbol's name, as `BPF.JT.0.0`; the section's where it has none.
        const char *name;
        // The instruction slots of the program that the entries lead to, in order.
        const uint32_t *targets;
        // The instruction slots of the program that load the table's address, in order:
        // the first slots of 64-bit loads.
        const uint32_t *insns;
        // Number of `targets`.
        uint32_t target_count;
        // Number of `insns`.
        uint32_t insn_count;
} bpflink_jump_table_info;

// Number of tables of indirect jumps of a program; 0 before finalize, and where there
// is no such program.
size_t bpflink_program_jump_table_count(const bpflink_programs *programs, size_t index);

// One table of indirect jumps of a program, in the order of their first use. A
// reference of kind `BPFLINK_REF_JUMP_TABLE` has its number in `map`. What it points to
// is borrowed until the set is changed or freed.
bpflink_status bpflink_program_jump_table(const bpflink_programs *programs,
                                          size_t index,
                                          size_t number,
                                          struct bpflink_jump_table_info *info);

/* ---- Where a program attaches. */

// The section says nothing: an interface, a cgroup, a socket, an event …
#define BPFLINK_ATTACH_NONE 0

// `kprobe`, `kretprobe`: the kernel function `name`, `offset` bytes into it.
#define BPFLINK_ATTACH_KPROBE 1

// `kprobe.multi`, `kprobe.session`: kernel functions that the pattern `name` (`*`, `?`) names.
#define BPFLINK_ATTACH_KPROBE_MULTI 2

// `ksyscall`, `kretsyscall`: the system call `name`, without the architecture's prefix.
#define BPFLINK_ATTACH_KSYSCALL 3

// `uprobe`, `uretprobe`: the function `name` of the file `path`, `offset` bytes into it.
#define BPFLINK_ATTACH_UPROBE 4

// `uprobe.multi`, `uprobe.session`: functions of the file `path` by the pattern `name`.
#define BPFLINK_ATTACH_UPROBE_MULTI 5

// `usdt`: the probe `name` of the provider `category` in the file `path`.
#define BPFLINK_ATTACH_USDT 6

// `tp`, `tracepoint`: `category` and `name`, as below events/ of tracefs.
#define BPFLINK_ATTACH_TRACEPOINT 7

// `raw_tp`, `raw_tracepoint`: the tracepoint `name`.
#define BPFLINK_ATTACH_RAW_TRACEPOINT 8

// `fentry`, `fexit`, `fsession`, `fmod_ret`: the kernel function of `btf_id`.
#define BPFLINK_ATTACH_FUNCTION 9

// `tp_btf`: the tracepoint whose `btf_trace_` typedef is `btf_id`.
#define BPFLINK_ATTACH_BTF_TRACEPOINT 10

// `lsm`, `lsm_cgroup`: the hook whose `bpf_lsm_` function is `btf_id`.
#define BPFLINK_ATTACH_LSM 11

// `iter`: the iterator whose `bpf_iter_` function is `btf_id`.
#define BPFLINK_ATTACH_ITERATOR 12

// `freplace`: the function `name` of another program; that program's file descriptor
// (attach_prog_fd) and the type id in its BTF are the loader's to know.
#define BPFLINK_ATTACH_EXTENSION 13

// `struct_ops`: the member `name` of the kernel's struct `btf_id`.
#define BPFLINK_ATTACH_STRUCT_OPS 14

// The program runs when the function returns.
#define BPFLINK_ATTACH_ON_RETURN 1

// The program runs at entry and, as the entry decides, at return.
#define BPFLINK_ATTACH_SESSION 2

// What a program attaches to: what its section says, in the forms that libbpf reads,
// and after finalize the type ids of the target. Strings are never NULL but `problem`,
// and borrowed until the set is changed or freed.
typedef struct bpflink_attach_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // What is attached to; what it is, `kind` says. Empty where the section does not say.
        const char *name;
        // Of a tracepoint its category, of a USDT probe its provider; else empty.
        const char *category;
        // Of probes in user space, the file; else empty.
        const char *path;
        // The kernel module in whose BTF `btf_id` counts: its BTF's file descriptor is
        // attach_btf_obj_fd of BPF_PROG_LOAD. Empty for vmlinux. Before finalize the module
        // that the section names (`fentry/module:function`), if it does.
        const char *module;
        // Why the program cannot be attached, or not loaded without another target, as far
        // as that is known; or NULL. It is no reason to fail the link: the loader may know
        // better where to attach.
        const char *problem;
        // Where in the function, bytes.
        uint64_t offset;
        // `BPFLINK_ATTACH_NONE` to `BPFLINK_ATTACH_STRUCT_OPS`.
        uint32_t kind;
        // `BPFLINK_ATTACH_ON_RETURN`, `BPFLINK_ATTACH_SESSION`.
        uint32_t flags;
        // attach_btf_id of BPF_PROG_LOAD. 0 before finalize, for kinds that have none, and
        // where the target lacks it.
        uint32_t btf_id;
        // Of a `struct_ops` program after finalize, 1 where expected_attach_type is the
        // number of its member in the kernel's struct (`attach_type` of
        // `bpflink_program_info`); else 0.
        uint32_t is_member;
} bpflink_attach_info;

// Describes where a program attaches.
bpflink_status bpflink_program_attach(const bpflink_programs *programs,
                                      size_t index,
                                      struct bpflink_attach_info *info);

/* ---- Variables of `.struct_ops`: what a loader registers with the kernel. */

// Its section is `.struct_ops.link`: the map has BPF_F_LINK, and a link registers it.
#define BPFLINK_STRUCT_OPS_LINK 1

// Its section begins with `?`: it is registered only when asked for.
#define BPFLINK_STRUCT_OPS_OPTIONAL 2

// The target cannot take it; `bpflink_programs_struct_ops_error` says why.
#define BPFLINK_STRUCT_OPS_FAILED 4

// What BPF_MAP_CREATE of a BPF_MAP_TYPE_STRUCT_OPS (key_size 4, max_entries 1, the
// object's own BTF in btf_fd) and BPF_MAP_UPDATE_ELEM of its entry 0 need. What the target has to say is 0, NULL or
// empty before finalize and for a variable that failed. Borrowed until the set is
// changed or freed.
typedef struct bpflink_struct_ops_info {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // The variable's name, which is the map's.
        const char *name;
        // The section that defines it.
        const char *section;
        // The struct's name in the object, with its `___flavour`.
        const char *local_type;
        // The kernel's struct.
        const char *kernel_type;
        // The module whose BTF has the kernel's types: its file descriptor is the map's
        // value_type_btf_obj_fd, with BPF_F_VTYPE_BTF_OBJ_FD in map_flags. Empty for vmlinux.
        const char *module;
        // The value in the kernel's layout and the object's byte order. Where it holds a
        // program, zeros: `bpflink_programs_struct_ops_member` says where which program's
        // file descriptor goes.
        const void *value;
        // Bytes of `value`: value_size of the map.
        size_t value_size;
        // Number of members of the struct in the object.
        size_t member_count;
        // `BPFLINK_STRUCT_OPS_LINK` and the like.
        uint32_t flags;
        // Type id of the struct in the object's BTF.
        uint32_t local_type_id;
        // Type id of the kernel's struct.
        uint32_t kernel_type_id;
        // Type id of `struct bpf_struct_ops_NAME`: btf_vmlinux_value_type_id of the map.
        uint32_t value_type_id;
        // Where in the value the struct starts, bytes.
        uint32_t data_offset;
        // The status of its failure, or 0.
        bpflink_status status;
} bpflink_struct_ops_info;

// One member of a `struct_ops` variable. Borrowed until the set is changed or freed.
typedef struct bpflink_struct_ops_member {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // Its name; empty for an anonymous one.
        const char *name;
        // The program that it holds, or NULL. Its file descriptor goes to `kernel_offset`,
        // as an integer of `kernel_size` bytes in the target's byte order.
        const char *program;
        // Bytes in the object's struct.
        uint64_t local_size;
        // Bytes in the kernel's.
        uint64_t kernel_size;
        // Where in the object's struct it starts, bytes.
        uint32_t local_offset;
        // Where in the map's value it starts, bytes.
        uint32_t kernel_offset;
        // Its number in the kernel's struct: expected_attach_type of its program.
        uint32_t kernel_index;
        // 1 where the kernel's struct has it; 0 for a zero member that it lacks.
        uint32_t in_kernel;
} bpflink_struct_ops_member;

// Number of `struct_ops` variables of the set's object; 0 for NULL.
size_t bpflink_programs_struct_ops_count(const bpflink_programs *programs);

// Describes one `struct_ops` variable, for the target once finalize is done.
//
// A variable that the target cannot take fails neither the call nor any program:
// the others may be registered.
bpflink_status bpflink_programs_struct_ops(const bpflink_programs *programs,
                                           size_t index,
                                           struct bpflink_struct_ops_info *info);

// Why the target cannot take a variable, or NULL. Borrowed until the set is changed or freed.
const bpflink_error *bpflink_programs_struct_ops_error(const bpflink_programs *programs,
                                                       size_t index);

// One member of a `struct_ops` variable, in the order of the object's struct; there
// after finalize.
bpflink_status bpflink_programs_struct_ops_member(const bpflink_programs *programs,
                                                  size_t index,
                                                  size_t number,
                                                  struct bpflink_struct_ops_member *info);

/* ---- Instruction streams that never were an ELF file. */

// The function is a program of its own.
#define BPFLINK_SYMBOL_ENTRY 1

// The function is static: others of its name may exist.
#define BPFLINK_SYMBOL_STATIC 2

// The function is weak.
#define BPFLINK_SYMBOL_WEAK 4

// The function is hidden from other objects.
#define BPFLINK_SYMBOL_HIDDEN 8

// A function of a raw stream.
typedef struct bpflink_stream_symbol {
        // Its name.
        const char *name;
        // `BPFLINK_SYMBOL_ENTRY` and the like.
        uint64_t flags;
        // Its first instruction slot.
        uint32_t insn;
        // Its length in slots; 0 where it reaches to the next symbol.
        uint32_t insn_count;
} bpflink_stream_symbol;

// What one instruction of a raw stream refers to: a function of the stream, one of
// its maps, else a symbol that somebody else defines.
typedef struct bpflink_stream_reference {
        // The name.
        const char *name;
        // What is added to its address: bytes into an extern variable; 0 for functions and maps.
        int64_t addend;
        // The instruction slot; of a 64-bit load, the first one.
        uint32_t insn;
        // No flags are known yet: 0.
        uint32_t flags;
} bpflink_stream_reference;

// A CO-RE relocation of a raw stream: `struct bpf_core_relo` of linux/bpf.h, with
// the instruction counted in slots.
typedef struct bpflink_stream_core_relocation {
        // The instruction slot.
        uint32_t insn;
        // The type in the stream's BTF that the access starts at.
        uint32_t type_id;
        // Offset of the access string in the strings of that BTF.
        uint32_t access;
        // `enum bpf_core_relo_kind`.
        uint32_t kind;
} bpflink_stream_core_relocation;

// A raw instruction array with symbol and reference tables. Only `insns` and
// `symbols` are needed. All of it is borrowed for the call.
typedef struct bpflink_stream {
        // Size of this struct in bytes, set by the caller.
        size_t size;
        // No flags are known yet: 0.
        uint64_t flags;
        // The section name that tells the program type, as "xdp"; NULL for none.
        const char *section;
        // The license; NULL for none.
        const char *license;
        // The instructions, in `byte_order`.
        const struct bpf_insn *insns;
        // Number of instruction slots.
        size_t insn_count;
        // The functions.
        const struct bpflink_stream_symbol *symbols;
        // Number of `symbols`.
        size_t symbol_count;
        // What instructions refer to.
        const struct bpflink_stream_reference *references;
        // Number of `references`.
        size_t reference_count;
        // Names of maps that references may name.
        const char *const *maps;
        // Number of `maps`.
        size_t map_count;
        // CO-RE relocations against `btf`.
        const struct bpflink_stream_core_relocation *core_relocations;
        // Number of `core_relocations`.
        size_t core_relocation_count;
        // The BTF that CO-RE relocations are about; NULL for none.
        const bpflink_btf *btf;
        // `BPFLINK_LITTLE_ENDIAN` or `BPFLINK_BIG_ENDIAN`.
        uint32_t byte_order;
        // Kernel version, as LINUX_VERSION_CODE; or 0.
        uint32_t kernel_version;
} bpflink_stream;

// Makes an object of a raw instruction stream.
BPFLINK_MUST_USE
bpflink_status bpflink_object_from_insns(const struct bpflink_stream *stream,
                                         const bpflink_object_options *options,
                                         bpflink_object **object,
                                         bpflink_error **error);

/* ---- Names of numbers. */

// What a status means, in a few words; NULL where it is not known. Never freed.
const char *bpflink_status_name(uint32_t status);

// The name of a CO-RE relocation kind, as `byte_off`; NULL where it is not known. Never freed.
const char *bpflink_relocation_kind_name(uint32_t kind);

// The name of a `BPFLINK_OUTCOME_*`, as `patched`; NULL where it is not known. Never freed.
const char *bpflink_outcome_name(uint32_t outcome);

// The name of a `BPFLINK_REF_*`, as `map_fd`; NULL where it is not known. Never freed.
const char *bpflink_reference_kind_name(uint32_t kind);
#ifdef __cplusplus
}
#endif

#endif /* BPFLINK_H */
