/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A loader of BPF objects: bpflink links, and everything here talks to the
 * kernel. It needs <bpflink.h>, libc and the kernel's headers.
 *
 *   loader.c     options, and the whole work in order
 *   target.c     the kernel to link for
 *   link.c       opening and linking
 *   maps.c       creating maps, their sizes and names
 *   contents.c   what goes into maps: data, maps, programs
 *   arena.c      mapping arenas, and their global variables
 *   programs.c   loading programs
 *   poison.c     what a refused one lacks, by name
 *   jump_tables.c  tables of indirect jumps
 *   modules.c    BTF of kernel modules
 *   struct_ops.c tables of functions for the kernel to call
 *   attach.c     attaching programs
 *   many_probes.c  kprobe.multi
 *   user_probes.c  functions of files, one or many
 *   usdt.c       probes that files declare
 *   usdt_args.c  where those have their arguments
 *   elf_file.c   reading such files
 *   run.c        running one once
 *   show.c       what the user sees
 *   sample.c     the checks of the sample object
 *   sys.c        bpf(2) itself
 */
#ifndef EXAMPLES_LOADER_H
#define EXAMPLES_LOADER_H

#include <bpflink.h>
#include <linux/bpf.h>
#include <stdio.h>

#define MAX_CHOSEN 64
#define REASON_LEN 256
#define MAX_FDS 16

/* BPF_MAP_TYPE_CGRP_STORAGE and those after it, which older headers do not have. */
#define MAP_TYPE_CGRP_STORAGE 32
#define MAP_TYPE_ARENA 33
#define MAP_TYPE_INSN_ARRAY 34

struct options {
	const char *object;
	const char *btf; /* link for this BTF instead of the running kernel's */
	const char *release;
	uint64_t features_added; /* BPFLINK_FEATURE_*, over what the kernel has */
	uint64_t features_removed;
	const char *chosen[MAX_CHOSEN]; /* programs named by --program */
	size_t chosen_count;
	const char *run[MAX_CHOSEN]; /* programs for BPF_PROG_TEST_RUN */
	size_t run_count;
	const char *read;      /* a file, once all is attached */
	const char *exec;      /* a program, likewise */
	const char *interface; /* for XDP */
	const char *cgroup;    /* for programs of cgroups */
	const char *expect;    /* checks to do afterwards: "sample" or "congestion" */
	unsigned seconds;      /* how long to stay attached */
	int optional;          /* load programs of `?` sections too */
	int link_only;
	int attach;
	int dump;      /* names and streams in hex, for comparison */
	int show_maps; /* contents at the end */
	int verbose;
	int table; /* one line for each program, for machines */
};

/* A map of the object and what became of it. */
struct map {
	bpflink_map_info info;
	int fd;                  /* -1 where it could not be created */
	char reason[REASON_LEN]; /* why */
	void *memory;            /* of an arena; NULL where it is not mapped */
	size_t memory_size;
};

/* A module whose BTF some program needs. */
struct module {
	char name[64];
	int fd;
};

/* A program of the object and what became of it. */
struct program {
	bpflink_program_info info;
	bpflink_attach_info attach;
	int wanted;
	int fd;                  /* -1 where it is not loaded */
	int link;                /* -1 where it is not attached */
	int error;               /* the kernel's errno, 0 where it was not asked */
	char reason[REASON_LEN]; /* why it is not loaded */
	char unattached[REASON_LEN];
	int *more_links; /* of one that is attached to many places, each on its own */
	size_t more_link_count;
	int fd_array[MAX_FDS]; /* BTF of modules whose functions it calls, from 1 on */
	char *log;             /* the verifier's, where it refused */
	int *jump_tables;      /* maps, while the program is loaded */
	size_t jump_table_count;
};

/* A struct_ops variable of the object and what became of it. */
struct variable {
	bpflink_struct_ops_info info;
	int wanted;
	int fd;   /* of its map, or -1 */
	int link; /* of .struct_ops.link, or -1 */
	int registered;
	unsigned char *value; /* with the file descriptors of its programs */
	char reason[REASON_LEN];
};

struct loader {
	struct options options;
	char stem[64]; /* the object's file name without extensions */
	bpflink_object *object;
	bpflink_programs *linked;
	bpflink_btf *btf;
	bpflink_target *target;
	struct map *maps;
	size_t map_count;
	struct program *programs;
	size_t program_count;
	struct variable *variables;
	size_t variable_count;
	int btf_fd; /* the object's BTF in the kernel, or -1 */
	struct module modules[MAX_FDS];
	size_t module_count;
	uint32_t usdt_entries; /* of __bpf_usdt_specs that are in use */
};

/* target.c */
int set_feature(struct options *o, const char *name, int has);
bpflink_status make_target(struct loader *l, bpflink_error **error);
int show_features(uint32_t running);

/* link.c */
int open_and_link(struct loader *l);
/* What was linked, for all that follows. */
int collect(struct loader *l);
void close_loader(struct loader *l);

/* maps.c */
void create_maps(struct loader *l);
int possible_cpus(void);

/* contents.c */
void fill_maps(struct loader *l);
void fill_program_arrays(struct loader *l);
struct map *find_map(struct loader *l, const char *name);

/* arena.c */
int is_arena(const struct map *m);
int fill_arena(struct loader *l, size_t index);
void unmap_arena(struct map *m);

/* programs.c */
void load_btf(struct loader *l);
void load_programs(struct loader *l);
void explain_poison(struct loader *l, size_t index);
struct program *find_program(struct loader *l, const char *name);

/* jump_tables.c */
int make_jump_tables(struct loader *l, size_t index, struct bpf_insn *insns);
void close_jump_tables(struct program *p);

/* modules.c: -1 and errno, or a file descriptor that close_loader closes */
int module_btf_fd(struct loader *l, const char *module);

/* struct_ops.c */
void create_variables(struct loader *l);
int register_variable(struct loader *l, size_t index);
void close_variables(struct loader *l);
int check_congestion_control(struct loader *l);

/* attach.c */
int attach_program(struct loader *l, struct program *p);
int attach_kprobe_multi(struct program *p);
int attach_uprobe(struct program *p);
int attach_uprobe_multi(struct program *p);
int attach_usdt(struct loader *l, struct program *p);
/* Why a program is not attached; -1. */
int not_attached(struct program *p, const char *why);
int not_attached_errno(struct program *p, const char *what);
int read_number(const char *path);
struct perf_event_attr;
int start_perf_event(struct program *p, struct perf_event_attr *attr, int pid, int cpu);

/* run.c */
int run_program(struct program *p, __u32 *result);

/* show.c */
void show_link(struct loader *l);
void show_dump(struct loader *l);
void show_loaded(struct loader *l);
void show_table(struct loader *l);
void show_contents(struct loader *l);

/* sample.c */
int check_sample(struct loader *l);

/* sys.c: -1 and errno, or a file descriptor or 0 */
int sys_bpf(enum bpf_cmd command, union bpf_attr *attr);
int map_create(union bpf_attr *attr);
int map_lookup(int map, const void *key, void *value);
int map_update(int map, const void *key, const void *value);
int map_next_key(int map, const void *key, void *next);
int map_delete(int map, const void *key);
int map_freeze(int map);
int sys_perf_event_open(void *attr, int pid, int cpu);
void copy_name(char name[BPF_OBJ_NAME_LEN], const char *prefix, const char *from);

#endif
