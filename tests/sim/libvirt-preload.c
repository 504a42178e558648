/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into libvirtd: simulates another release of libvirt for its modules, as set by two
 * environment variables.
 */
#include <dlfcn.h>
#include <stdlib.h>

#define RELEASE "MD_TEST_LIBVIRT_RELEASE" /* the number that virGetVersion() returns */
#define MISSING "MD_TEST_LIBVIRT_MISSING" /* a function that dlsym() does not find */

int virGetVersion(unsigned long *version, const char *type, unsigned long *type_version);


int
virGetVersion(unsigned long *version,
              const char *type __attribute__((unused)),
              unsigned long *type_version __attribute__((unused)))
{
    const char *release = getenv(RELEASE);

    *version = strtoul(release == NULL ? "9000000" : release, NULL, 10);
    return 0;
}


/* Not strcmp(), whose replacement by the address sanitizer does not work during the first calls. */
static int
is_equal(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}


void *
dlsym(void *handle, const char *name)
{
    static void *(*next)(void *, const char *);
    const char *missing = getenv(MISSING);

    if (next == NULL)
        next = (__typeof__(next))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    return missing != NULL && is_equal(name, missing) ? NULL : next(handle, name);
}
