/* Writes the files that it is given to standard output: what a booted kernel shows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int file)
{
	static char buffer[65536];
	ssize_t count;

	while ((count = read(file, buffer, sizeof(buffer))) > 0)
		for (ssize_t done = 0, wrote; done < count; done += wrote)
			if ((wrote = write(1, buffer + done, (size_t)(count - done))) < 0)
				return -1;
	return count < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int file = open(argv[i], O_RDONLY);

		if (file < 0 || copy(file) != 0) {
			printf("%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		close(file);
	}
	return 0;
}
