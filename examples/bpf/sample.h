/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the sample's programs and the program that loads them agree on. */
#ifndef EXAMPLES_SAMPLE_H
#define EXAMPLES_SAMPLE_H

#define SAMPLE_NAME_LEN 16
#define SAMPLE_RELEASE_LEN 65
#define SAMPLE_GREETING "from .rodata.str: bpflink"
#define SAMPLE_GREETING_LEN 32
#define SAMPLE_ENTRIES 8

/* In `.data.request`: whose task the attached program looks at. */
struct sample_request {
	unsigned int tgid;
	unsigned int nothing;
};

/* What a program read of one task, by CO-RE. */
struct sample_task {
	unsigned int pid;
	unsigned int tgid;
	unsigned int parent_pid;
	unsigned int parent_tgid;
	unsigned int leader_pid;
	unsigned int uid;
	unsigned int threads;
	unsigned int reset_on_fork; /* a bitfield of one bit */
	unsigned long long start_boottime;
	unsigned long long start_code;
	char comm[SAMPLE_NAME_LEN];
	char release[SAMPLE_RELEASE_LEN];
	char pad[7];
};

/* What CO-RE answers about types, without reading anything. */
struct sample_types {
	unsigned int comm_size;
	unsigned int insn_size;
	unsigned int insn_imm_offset;
	unsigned int insn_imm_signed;
	unsigned int pid_exists;
	unsigned int missing_field_exists;
	unsigned int task_exists;
	unsigned int missing_type_exists;
	unsigned int ringbuf_map_type;
	unsigned int missing_enum_exists;
};

/* In `.data.result`. */
struct sample_result {
	struct sample_task test_run; /* of the task that ran `look` */
	struct sample_task switched; /* of the task that `watch` saw leave a CPU */
	struct sample_types types;
	unsigned int runs;
	unsigned int arithmetic;  /* through functions in three sections */
	unsigned int data_sum;    /* of `.data`, `.rodata` and `.data.more` */
	unsigned int tail_called; /* through a program array filled at load */
	unsigned int inner_value; /* through a map of maps filled at load */
	unsigned int entries;     /* counted by a callback */
	unsigned int entries_sum;
	char greeting[SAMPLE_GREETING_LEN];
};

/* In the ring buffer. */
struct sample_event {
	unsigned int tgid;
	unsigned int runs;
};

#endif
