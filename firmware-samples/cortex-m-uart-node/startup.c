/*
 * Interrupt vectors, and what has to be done before main(), on a Cortex-M3.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

int main(void);
void systick_handler(void);
void uart0_handler(void);

void reset_handler(void);

/* Nothing that is foreseen: stays here, for a debugger to see. */
static void stop(void)
{
  for (;;) continue;
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16 + 44] = {
    [0] = (vector)&stack_top,
    [1] = reset_handler,
    [2] = stop,
    [3] = stop,
    [4] = stop,
    [5] = stop,
    [6] = stop,
    [11] = stop,
    [12] = stop,
    [14] = stop,
    [15] = systick_handler,
    [16 + 5] = uart0_handler,
};

void reset_handler(void)
{
  const uint32_t *from = &data_load;
  for (uint32_t *to = &data_start; to < &data_end; to++) *to = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end; to++) *to = 0;
  main();
  stop();
}
