/*
 * An AVR on simavr, in real time, with its serial line on a pseudo terminal:
 *
 *     avr-board [--pin PORT BIT BAUD] [--rfm69] [--millivolts MV] [--temperature MV] MCU HZ ELF
 *
 * SPDX-License-Identifier: MIT
 *
 * Prints "line PATH" for UART0, "led 1" and "led 0" when PB5 changes. Ends with standard input.
 * --pin takes the line from software that wiggles a pin, one way.
 * --rfm69 puts a radio on SPI, chip select PB2; see rfm69-model.h.
 */
#define _XOPEN_SOURCE 600
#define _DEFAULT_SOURCE
#include "pty.h"
#include "rfm69-model.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <simavr/avr_adc.h>
#include <simavr/avr_ioport.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_time.h>

#include <simavr/parts/uart_pty.h>

/* Cycles are run in slices of so many microseconds, and then real time is waited for. */
enum { SLICE_US = 1000 };

static avr_t *avr;
static uart_pty_t uart;

/* ------------------------------------------------------------------ a line by software */

static struct {
  int fd;
  uint32_t baud;
  bool level;
  bool receiving;
  uint8_t octet;
  uint8_t bits;
} pin = {.fd = -1, .level = true};

/* In the middle of each bit, from the first data bit to the stop bit. */
static avr_cycle_count_t sample_pin(avr_t *the_avr, avr_cycle_count_t when, void *param)
{
  (void)param;
  if (pin.bits < 8) {
    pin.octet = (uint8_t)(pin.octet >> 1 | (pin.level ? 0x80 : 0));
    pin.bits++;
    return when + the_avr->frequency / pin.baud;
  }
  pin.receiving = false;
  if (pin.level && write(pin.fd, &pin.octet, 1) < 0) perror("line");
  return 0;
}

static void on_pin(avr_irq_t *irq, uint32_t value, void *param)
{
  (void)irq;
  (void)param;
  bool falls = pin.level && value == 0;
  pin.level = value != 0;
  if (!falls || pin.receiving) return;
  pin.receiving = true;
  pin.bits = 0;
  avr_cycle_timer_register(avr, avr->frequency * 3 / 2 / pin.baud, sample_pin, NULL);
}

static void connect_pin(char port, int bit, uint32_t baud)
{
  char path[64];
  pin.baud = baud;
  pin.fd = new_pty(path);
  avr_irq_t *irq = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), bit);
  avr_irq_register_notify(irq, on_pin, NULL);
  printf("line %s\n", path);
}

/* ------------------------------------------------------------------ the board */

static void on_led(avr_irq_t *irq, uint32_t value, void *param)
{
  (void)irq;
  (void)param;
  printf("led %u\n", (unsigned)value);
}

static void connect_uart(void)
{
  uart_pty_init(avr, &uart);
  uart_pty_connect(&uart, '0');
  unlink("/tmp/simavr-uart0"); /* that link would be everybody's */
  open_line(uart.pty.slavename); /* kept open, so that the far end may come and go */
  printf("line %s\n", uart.pty.slavename);
}

static void start(const char *mcu, uint32_t hz, const char *file, uint16_t millivolts)
{
  elf_firmware_t firmware;
  memset(&firmware, 0, sizeof firmware);
  if (elf_read_firmware(file, &firmware) != 0) {
    fprintf(stderr, "%s cannot be read\n", file);
    exit(1);
  }
  avr = avr_make_mcu_by_name(mcu);
  if (avr == NULL) {
    fprintf(stderr, "simavr knows no %s\n", mcu);
    exit(1);
  }
  avr_init(avr);
  avr->log = LOG_ERROR;
  strcpy(firmware.mmcu, mcu);
  firmware.frequency = hz;
  avr_load_firmware(avr, &firmware);
  avr->frequency = hz;
  avr->vcc = avr->avcc = avr->aref = millivolts;
}

static uint64_t real_microseconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Sleep of the core passes cycles; real time is kept by run(). */
static void skip_cycles(avr_t *the_avr, avr_cycle_count_t cycles)
{
  (void)the_avr;
  (void)cycles;
}

static void run(void)
{
  uint64_t begun = real_microseconds();
  avr->sleep = skip_cycles;
  for (;;) {
    uint64_t until = avr->cycle + (uint64_t)avr->frequency * SLICE_US / 1000000u;
    while (avr->cycle < until) {
      int state = avr_run(avr);
      if (state == cpu_Done || state == cpu_Crashed) {
        printf("stopped\n");
        return;
      }
    }
    rfm69_poll();
    struct pollfd end = {0, POLLIN, 0};
    char unused[16];
    if (poll(&end, 1, 0) > 0 && read(0, unused, sizeof unused) <= 0) return;
    uint64_t simulated = avr->cycle * 1000000u / avr->frequency;
    uint64_t real = real_microseconds() - begun;
    if (simulated > real) usleep((useconds_t)(simulated - real));
    /* A machine that is too slow does not catch up later in a rush. */
    else if (real - simulated > 100000) begun += real - simulated;
  }
}

int main(int count, char **words)
{
  char pin_port = 0;
  int pin_bit = 0;
  uint32_t pin_baud = 0;
  bool has_radio = false;
  uint16_t millivolts = 5000;
  uint32_t temperature = 314;
  int at = 1;
  for (; at < count && strncmp(words[at], "--", 2) == 0; at++) {
    int left = count - at - 1;
    if (strcmp(words[at], "--pin") == 0 && left >= 3) {
      pin_port = words[at + 1][0];
      pin_bit = atoi(words[at + 2]);
      pin_baud = (uint32_t)atoi(words[at + 3]);
      at += 3;
    } else if (strcmp(words[at], "--rfm69") == 0) {
      has_radio = true;
    } else if (strcmp(words[at], "--millivolts") == 0 && left >= 1) {
      millivolts = (uint16_t)atoi(words[++at]);
    } else if (strcmp(words[at], "--temperature") == 0 && left >= 1) {
      temperature = (uint32_t)atoi(words[++at]);
    } else {
      break;
    }
  }
  if (count - at != 3) {
    fprintf(stderr, "usage: avr-board [OPTIONS] MCU HZ ELF\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  start(words[at], (uint32_t)atol(words[at + 1]), words[at + 2], millivolts);
  avr_irq_t *led = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 5);
  if (led != NULL && pin_port == 0) avr_irq_register_notify(led, on_led, NULL);
  avr_irq_t *sensor = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_TEMP);
  if (sensor != NULL) avr_raise_irq(sensor, temperature);
  if (has_radio) rfm69_connect(avr);
  if (pin_port != 0) connect_pin(pin_port, pin_bit, pin_baud);
  else connect_uart();
  run();
  return 0;
}
