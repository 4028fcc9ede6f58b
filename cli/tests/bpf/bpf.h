#include "../../../tests/bpf/bpf.h"
