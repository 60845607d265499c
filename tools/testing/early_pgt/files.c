// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and folders, by their names: each is looked at in a process of its own, and
 * what is said comes in their order.
 */

#include "map.h"
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int files_status;

/* Files go to the worker that is free first: whose is it, where its text ends. */
static struct shared {
	unsigned int next, unread;
	struct {
		unsigned int worker;
		long end;
	} file[];
} *shared;

static char **files;
static unsigned int nr_files, nr_unread;

/**
 * files_share - memory that all processes see
 * @size: bytes, zero at first
 *
 * Context: before files_run(). Ends the program if there is none.
 */
void *files_share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

/**
 * files_add - add to what is counted in shared memory
 * @sum: where
 * @nr:  how much
 *
 * Return: what it was before.
 */
unsigned int files_add(unsigned int *sum, unsigned int nr)
{
	return __atomic_fetch_add(sum, nr, __ATOMIC_SEQ_CST);
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void unreadable(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	nr_unread++;
}

static void collect(const char *path)
{
	struct dirent **names;
	struct stat st;
	int i, n;

	if (strcmp(path, "-") && stat(path, &st)) {
		unreadable(path, strerror(errno));
		return;
	}
	if (!strcmp(path, "-") || !S_ISDIR(st.st_mode)) {
		files = realloc(files, (nr_files + 1) * sizeof(*files));
		files[nr_files++] = strdup(path);
		return;
	}
	n = scandir(path, &names, no_dots, alphasort);
	if (n <= 0)
		unreadable(path, n ? strerror(errno) : "no file in this folder");
	for (i = 0; i < n; i++) {
		char sub[4096];

		snprintf(sub, sizeof(sub), "%s/%s", path, names[i]->d_name);
		/* Not pipes and devices, which may wait, nor links to folders, which may loop. */
		if (stat(sub, &st) || S_ISREG(st.st_mode) ||
		    (S_ISDIR(st.st_mode) && names[i]->d_type != DT_LNK))
			collect(sub);
		free(names[i]);
	}
	free(names);
}

/*
 * An argument may be several names, from MAPS="..." of a Makefile: blanks are part
 * of a name if there is such a file. What is no file may be a pattern.
 */
static void collect_names(char *names)
{
	char *p, *end;
	struct stat st;
	glob_t found;
	char c;

	for (p = names; *(p += strspn(p, " \t\n")); p = end) {
		for (end = p + strlen(p); end > p; end--) {
			c = *end;
			if (c && !strchr(" \t\n", c))
				continue;
			*end = '\0';
			if (!strcmp(p, "-") || !stat(p, &st))
				break;
			*end = c;
		}
		if (end > p) {
			collect(p);
			end += c != '\0';
			continue;
		}
		end = p + strcspn(p, " \t\n");
		c = *end;
		*end = '\0';
		if (glob(p, GLOB_TILDE, NULL, &found)) {
			collect(p);
		} else {
			size_t i;

			for (i = 0; i < found.gl_pathc; i++)
				collect(found.gl_pathv[i]);
			globfree(&found);
		}
		end += c != '\0';
	}
}

/**
 * files_collect - note the files that are to be looked at
 * @args:    files, folders, patterns, or - for standard input; ends with NULL
 * @picture: if it isn't NULL, there must be one file only, or the program ends
 */
void files_collect(char **args, const char *picture)
{
	while (*args)
		collect_names(*args++);
	if (picture && nr_files != 1) {
		fprintf(stderr, "%s: a picture shows one map; there are %u files\n", picture, nr_files);
		exit(2);
	}
}

#define WORKERS		2

static FILE *texts[WORKERS];

static void work(unsigned int me, void (*look)(const char *file))
{
	unsigned int i;
	int rc = 0;
	int status;
	pid_t pid;

	dup2(fileno(texts[me]), STDOUT_FILENO);
	while ((i = files_add(&shared->next, 1)) < nr_files) {
		/* Whatever a file does, the next one is read. */
		pid = fork();
		if (!pid) {
			sim_init();
			look(files[i]);
			fflush(stdout);
			exit(files_status);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			exit(3);
		if (!WIFEXITED(status) || (WEXITSTATUS(status) & ~2)) {
			fprintf(stderr, "%s: ended with status %#x\n",
				map_name(files[i]), status);
			rc = 3;
		} else if (WEXITSTATUS(status)) {
			files_add(&shared->unread, 1);
		}
		shared->file[i].worker = me;
		shared->file[i].end = lseek(STDOUT_FILENO, 0, SEEK_END);
	}
	exit(rc);
}

static void print_text(unsigned int i)
{
	static long at[WORKERS];
	unsigned int w = shared->file[i].worker;
	char buf[4096];

	while (at[w] < shared->file[i].end) {
		ssize_t n = min(shared->file[i].end - at[w], (long)sizeof(buf));

		n = pread(fileno(texts[w]), buf, n, at[w]);
		if (n <= 0)
			break;
		fwrite(buf, n, 1, stdout);
		at[w] += n;
	}
}

/**
 * files_run - look at all files, and print what was said
 * @look:   prints to standard output; sets files_status to 2 if a file isn't read in
 *          full
 * @unread: returns the number of files that could not be read, or not in full
 *
 * Return: 0, 2 if a file could not be read in full, 3 if something else failed.
 */
int files_run(void (*look)(const char *file), unsigned int *unread)
{
	unsigned int i;
	int rc = 0, status;

	shared = files_share(sizeof(*shared) + nr_files * sizeof(shared->file[0]));
	for (i = 0; i < WORKERS; i++) {
		texts[i] = tmpfile();
		if (!texts[i]) {
			perror("tmpfile");
			exit(2);
		}
	}
	fflush(stdout);
	for (i = 0; i < WORKERS; i++)
		if (!fork())
			work(i, look);
	while (wait(&status) > 0)
		rc = max(rc, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
	for (i = 0; i < nr_files; i++)
		print_text(i);
	*unread = nr_unread + shared->unread;
	return rc ?: *unread || !nr_files ? 2 : 0;
}
