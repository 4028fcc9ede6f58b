
/*
 * Appended to a vmlinux.h that declares no kernel functions (bpftool before 7.5
 * leaves them out): those which programs of the corpus call.
 */
#ifndef __BPFLINK_CORPUS_KFUNCS_H__
#define __BPFLINK_CORPUS_KFUNCS_H__

#define __corpus_kfunc extern __attribute__((section(".ksyms"), weak))

__corpus_kfunc struct task_struct *bpf_task_from_pid(s32 pid);
__corpus_kfunc void bpf_task_release(struct task_struct *p);

#undef __corpus_kfunc

#endif
