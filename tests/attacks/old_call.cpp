// old-call - asks the kernel for this process's number by the door for 32-bit programs; 0 when it
// answers
#include <unistd.h>

int main()
{
  long answer = 20; // getpid, of those calls
  asm volatile("int $0x80" : "+a"(answer) : : "memory", "r8", "r9", "r10", "r11");
  return answer == ::getpid() ? 0 : 1;
}
