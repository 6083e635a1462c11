/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that programs look for, by every call they look with.
 */
#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "client.h"

static void read_text(const char *path, char *buf, size_t size)
{
	FILE *in = fopen(path, "r");
	size_t len;

	CHECK(in);
	len = fread(buf, 1, size - 1, in);
	buf[len] = '\0';
	fclose(in);
}

static unsigned long read_hex(const char *path)
{
	char buf[64];

	read_text(path, buf, sizeof(buf));
	return strtoul(buf, NULL, 0);
}

static void files(void)
{
	unsigned long start, end, flags;
	char buf[4096];
	FILE *in;
	int fd;

	CHECK(read_hex(SYSFS "/vendor") == 0x8086);
	CHECK(read_hex(SYSFS "/device") == 0x2021);
	CHECK(read_hex(SYSFS "/class") >> 8 == 0x0880);
	fd = open(SYSFS "/vendor", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 6) == 6 && !memcmp(buf, "0x8086", 6));
	close(fd);
	in = fopen(SYSFS "/resource", "r");
	CHECK(in && fscanf(in, "%lx %lx %lx", &start, &end, &flags) == 3);
	fclose(in);
	CHECK(end - start + 1 == BAR_SIZE);
	in = fopen(SYSFS "/vendor", "r");
	CHECK(in);
	in = freopen(SYSFS "/device", "r", in);
	CHECK(in && fgets(buf, sizeof(buf), in) && !strcmp(buf, "0x2021\n"));
	fclose(in);
	CHECK(!access("/sys/module/vfio_pci", F_OK));
	CHECK(!access("/sys/module/vfio", F_OK));
	CHECK_FAILS(access(SYSFS "/nothing", F_OK), ENOENT);
}

static void links(void)
{
	char buf[PATH_MAX], real[PATH_MAX];
	struct stat st;
	ssize_t len;

	len = readlink(SYSFS "/iommu_group", buf, sizeof(buf) - 1);
	CHECK(len > 0);
	buf[len] = '\0';
	CHECK(strstr(buf, "kernel/iommu_groups/"));
	CHECK(realpath(SYSFS "/driver", real));
	CHECK(!strcmp(real, "/sys/bus/pci/drivers/vfio-pci"));
	CHECK(realpath(SYSFS, real));
	CHECK(!strncmp(real, "/sys/devices/", 13));
	CHECK(!lstat(SYSFS, &st) && S_ISLNK(st.st_mode));
	CHECK(!stat(SYSFS, &st) && S_ISDIR(st.st_mode));
	CHECK(!fstatat(AT_FDCWD, SYSFS "/iommu_group/devices", &st, 0) &&
	      S_ISDIR(st.st_mode));
}

static int is_device(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int visited;

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	visited += !strcmp(path + ftw->base, "vfio-pci") ||
		   !strncmp(path, "/sys/kernel/iommu_groups", 24);
	return 0;
}

static void directories(void)
{
	struct dirent **names;
	struct dirent *entry;
	int n = scandir("/sys/bus/pci/devices", &names, is_device, alphasort);
	int found = 0, fd;
	glob_t match;
	DIR *dir;

	CHECK(n == 1 && !strcmp(names[0]->d_name, BDF));
	free(names[0]);
	free(names);
	dir = opendir("/sys/module");
	CHECK(dir);
	while ((entry = readdir(dir)))
		found += !strcmp(entry->d_name, "vfio") ||
			 !strcmp(entry->d_name, "kernel");
	closedir(dir);
	CHECK(found == 2); /* ours and the host's */
	fd = open("/sys/bus/pci/devices", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	fd = openat(fd, BDF "/vendor", O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	CHECK(!glob("/sys/bus/pci/devices/*/vend*", 0, NULL, &match));
	CHECK(match.gl_pathc == 1);
	CHECK(!strcmp(match.gl_pathv[0], SYSFS "/vendor"));
	globfree(&match);
	CHECK(!nftw("/sys/kernel/iommu_groups", visit, 8, FTW_PHYS));
	CHECK(visited >= 3);
	/* What is the host's is still there. */
	CHECK(!access("/sys/devices/system/cpu", F_OK));
	CHECK(!access("/sys/class/net", F_OK));
	CHECK(!access("/dev/null", R_OK | W_OK));
	CHECK(!access("/dev/shm", F_OK));
}

/* QEMU compares the node's number with what sysfs says. */
static void numbers(void)
{
	unsigned int maj, min;
	struct dirent *entry;
	char path[600], buf[64];
	DIR *dir = opendir(SYSFS "/vfio-dev");
	struct stat st;
	int n = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof(path), SYSFS "/vfio-dev/%s/dev",
			 entry->d_name);
		read_text(path, buf, sizeof(buf));
		CHECK(sscanf(buf, "%u:%u", &maj, &min) == 2);
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		CHECK(!stat(path, &st) && S_ISCHR(st.st_mode));
		CHECK(major(st.st_rdev) == maj && minor(st.st_rdev) == min);
	}
	CHECK(n == 1);
	closedir(dir);
	CHECK(!stat("/dev/vfio/devices", &st) && S_ISDIR(st.st_mode));
}

int main(void)
{
	files();
	links();
	directories();
	numbers();
	return 0;
}
