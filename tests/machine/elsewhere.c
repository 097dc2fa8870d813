// elsewhere - shows one program another clock, or another load: what a test cannot wait for
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double wanted(const char* name)
{
  const char* text = getenv(name);
  return text ? atof(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec* at)
{
  const long status = syscall(SYS_clock_gettime, clock, at);
  if (status == 0 && clock == CLOCK_REALTIME) {
    at->tv_sec += (time_t)(wanted("ELSEWHERE_HOURS") * 3600);
  }
  return (int)status;
}

int getloadavg(double* loads, int count)
{
  for (int i = 0; i < count; ++i) {
    loads[i] = wanted("ELSEWHERE_LOAD");
  }
  return count;
}
