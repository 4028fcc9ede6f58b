/* The running kernel's BTF, opened by bpflink and nothing else: what it costs without an index
 * of names, which only a link needs.
 */
#include <bpflink.h>
#include <stdio.h>

int main(void)
{
	bpflink_btf *btf = NULL;

	if (bpflink_btf_kernel(&btf, NULL))
		return 1;
	printf("%u\n", bpflink_btf_type_count(btf));
	bpflink_btf_free(btf);
	return 0;
}
