/*
 * A sensor node on a bare Cortex-M3, the LM3S6965 evaluation board: messages over UART0, the chip's
 * own temperature sensor, nothing but registers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "board.h"
#include "node.h"

#ifndef NODE_ID
#define NODE_ID "cortex-1"
#endif
#ifndef NODE_SLEEP
#define NODE_SLEEP 0 /* s */
#endif
#ifndef NODE_INTERVAL
#define NODE_INTERVAL 60 /* s */
#endif
#ifndef NODE_RETRY
#define NODE_RETRY 2000 /* ms */
#endif
#ifndef BAUD_RATE
#define BAUD_RATE 115200
#endif

enum { CPU_HZ = 50000000 };

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* System control. */
#define SYSCTL_RIS REGISTER(0x400FE050)
#define SYSCTL_RCC REGISTER(0x400FE060)
#define SYSCTL_RCGC0 REGISTER(0x400FE100)
#define SYSCTL_RCGC1 REGISTER(0x400FE104)
#define SYSCTL_RCGC2 REGISTER(0x400FE108)

/* Pins: UART0 is on port A, the light on PF0. */
#define GPIOA_AFSEL REGISTER(0x40004420)
#define GPIOA_DEN REGISTER(0x4000451C)
#define GPIOF_PIN0 REGISTER(0x40025004)
#define GPIOF_DIR REGISTER(0x40025400)
#define GPIOF_DEN REGISTER(0x4002551C)

#define UART0_DR REGISTER(0x4000C000)
#define UART0_FR REGISTER(0x4000C018)
#define UART0_IBRD REGISTER(0x4000C024)
#define UART0_FBRD REGISTER(0x4000C028)
#define UART0_LCRH REGISTER(0x4000C02C)
#define UART0_CTL REGISTER(0x4000C030)
#define UART0_IM REGISTER(0x4000C038)
#define UART0_ICR REGISTER(0x4000C044)

#define TIMER0_CFG REGISTER(0x40030000)
#define TIMER0_TAMR REGISTER(0x40030004)
#define TIMER0_CTL REGISTER(0x4003000C)
#define TIMER0_TAILR REGISTER(0x40030028)

#define ADC_ACTSS REGISTER(0x40038000)
#define ADC_RIS REGISTER(0x40038004)
#define ADC_ISC REGISTER(0x4003800C)
#define ADC_EMUX REGISTER(0x40038014)
#define ADC_SSCTL3 REGISTER(0x400380A4)
#define ADC_SSFIFO3 REGISTER(0x400380A8)

/* The core's own. */
#define SYSTICK_CTRL REGISTER(0xE000E010)
#define SYSTICK_LOAD REGISTER(0xE000E014)
#define SYSTICK_VAL REGISTER(0xE000E018)
#define NVIC_ENABLE0 REGISTER(0xE000E100)
#define NVIC_DISABLE0 REGISTER(0xE000E180)

enum { UART0_INTERRUPT = 5, FR_RECEIVE_EMPTY = 0x10, FR_TRANSMIT_FULL = 0x20, FR_BUSY = 0x08 };

/* ------------------------------------------------------------------ time */

static volatile uint32_t milliseconds;

void systick_handler(void)
{
  milliseconds++;
}

uint32_t board_millis(void)
{
  return milliseconds;
}

/* 50 MHz by the PLL from the crystal of 8 MHz. */
static void start_clock(void)
{
  const uint32_t bypass = 1u << 11, pll_off = 1u << 13, use_divider = 1u << 22;
  uint32_t rcc = SYSCTL_RCC;
  rcc = (rcc | bypass) & ~use_divider;
  SYSCTL_RCC = rcc;
  rcc &= ~(1u | 0xFu << 6 | 3u << 4 | pll_off); /* main oscillator on and chosen */
  rcc |= 0xEu << 6;                             /* 8 MHz */
  SYSCTL_RCC = rcc;
  rcc = (rcc & ~(0xFu << 23)) | 3u << 23 | use_divider; /* 200 MHz / 4 */
  SYSCTL_RCC = rcc;
  while ((SYSCTL_RIS & 1u << 6) == 0) continue; /* locked */
  SYSCTL_RCC = rcc & ~bypass;
  SYSTICK_LOAD = CPU_HZ / 1000 - 1;
  SYSTICK_VAL = 0;
  SYSTICK_CTRL = 7;
}

/* ------------------------------------------------------------------ serial line */

enum { RING = 256 };

static volatile uint8_t ring[RING];
static volatile uint8_t ring_in;
static volatile uint8_t ring_out;

/* What does not fit is lost: the framing notices, and the gateway repeats. */
void uart0_handler(void)
{
  UART0_ICR = 0x7F0;
  while ((UART0_FR & FR_RECEIVE_EMPTY) == 0) {
    uint8_t octet = (uint8_t)UART0_DR;
    uint8_t next = (uint8_t)(ring_in + 1);
    if (next == ring_out) continue;
    ring[ring_in] = octet;
    ring_in = next;
  }
}

static void start_uart(void)
{
  /* In 64ths of 1 / (16 * rate), rounded. */
  const uint32_t divisor = (CPU_HZ * 4u + BAUD_RATE / 2u) / BAUD_RATE;
  GPIOA_AFSEL |= 3;
  GPIOA_DEN |= 3;
  UART0_CTL = 0;
  UART0_IBRD = divisor / 64;
  UART0_FBRD = divisor % 64;
  UART0_LCRH = 0x70;         /* 8 bits, FIFOs */
  UART0_IM = 1u << 4 | 1u << 6; /* octets received, or some are waiting */
  UART0_CTL = 0x301;
  NVIC_ENABLE0 = 1u << UART0_INTERRUPT;
}

bool board_get(uint8_t *octet)
{
  if (ring_out == ring_in) return false;
  *octet = ring[ring_out];
  ring_out = (uint8_t)(ring_out + 1);
  return true;
}

void board_put(uint8_t octet)
{
  while ((UART0_FR & FR_TRANSMIT_FULL) != 0) continue;
  UART0_DR = octet;
}

/* ------------------------------------------------------------------ sensor and light */

static void start_sensor(void)
{
  TIMER0_CFG = 0;
  TIMER0_TAMR = 1; /* one shot */
  TIMER0_TAILR = CPU_HZ / 1000;
  ADC_ACTSS = 0;
  ADC_EMUX = 5u << 12; /* sequence 3 begins with the timer */
  ADC_SSCTL3 = 0xE;    /* one sample, of the temperature sensor */
  ADC_ACTSS = 1u << 3;
}

int16_t board_temperature(void)
{
  uint32_t begun = milliseconds;
  ADC_ISC = 1u << 3;
  TIMER0_CTL = 1u | 1u << 5; /* starts, and triggers the converter */
  while ((ADC_RIS & 1u << 3) == 0) {
    if (milliseconds - begun > 10) return 0;
  }
  uint32_t sample = ADC_SSFIFO3 & 0x3FF;
  ADC_ISC = 1u << 3;
  /* The data sheet: 147.5 degrees - 225 * sample / 1024. */
  return (int16_t)(1475 - (int32_t)(sample * 2250u / 1024u));
}

void board_led(bool on)
{
  GPIOF_PIN0 = on ? 1 : 0;
}

/* ------------------------------------------------------------------ saving power */

/* An interrupt comes within a millisecond. */
void board_idle(void)
{
  __asm__ volatile("wfi");
}

/*
 * The core stands still between ticks and the receiver is off. A battery node would go on into
 * hibernation here, with its session kept in battery-backed memory.
 */
void board_power_down(uint16_t seconds)
{
  while ((UART0_FR & FR_BUSY) != 0) continue;
  NVIC_DISABLE0 = 1u << UART0_INTERRUPT;
  UART0_CTL = 0;
  uint32_t begun = milliseconds;
  while (milliseconds - begun < seconds * 1000u) __asm__ volatile("wfi");
  ring_out = ring_in;
  start_uart();
}

int main(void)
{
  static const struct node_options options = {NODE_ID, 60, NODE_SLEEP, NODE_INTERVAL, NODE_RETRY};
  SYSCTL_RCGC0 |= 1u << 16;         /* converter */
  SYSCTL_RCGC1 |= 1u | 1u << 16;    /* UART0, timer 0 */
  SYSCTL_RCGC2 |= 1u | 1u << 5;     /* ports A and F */
  start_clock();
  GPIOF_DIR |= 1;
  GPIOF_DEN |= 1;
  start_uart();
  start_sensor();
  node_start(&options);
  for (;;) node_step();
}
