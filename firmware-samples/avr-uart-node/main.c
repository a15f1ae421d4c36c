/*
 * A sensor node on an ATmega328P, wired as an Arduino Uno: messages over the USB serial port, the
 * chip's own temperature sensor, and power-down between two wakings.
 *
 * SPDX-License-Identifier: MIT
 */
#include "board.h"
#include "node.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/power.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <util/atomic.h>
#include <util/delay.h>

#ifndef NODE_ID
#define NODE_ID "uno-1"
#endif
#ifndef NODE_SLEEP
#define NODE_SLEEP 30 /* s */
#endif
#ifndef NODE_INTERVAL
#define NODE_INTERVAL 300 /* s */
#endif
#ifndef NODE_RETRY
#define NODE_RETRY 2000 /* ms */
#endif
#ifndef BAUD_RATE
#define BAUD_RATE 57600
#endif
/* Tenths of a degree; chips differ by 10 degrees. Compare with a thermometer once. */
#ifndef TEMPERATURE_OFFSET
#define TEMPERATURE_OFFSET 0
#endif

/* ------------------------------------------------------------------ time */

static volatile uint32_t milliseconds;

ISR(TIMER0_COMPA_vect)
{
  milliseconds++;
}

static void start_clock(void)
{
  TCCR0A = _BV(WGM01);
  TCCR0B = _BV(CS01) | _BV(CS00); /* by 64 */
  OCR0A = F_CPU / 64 / 1000 - 1;
  TIMSK0 = _BV(OCIE0A);
}

uint32_t board_millis(void)
{
  uint32_t now;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
  {
    now = milliseconds;
  }
  return now;
}

/* ------------------------------------------------------------------ serial line */

enum { RING = 128 };

static volatile uint8_t ring[RING];
static volatile uint8_t ring_in;
static volatile uint8_t ring_out;

/* What does not fit is lost: the framing notices, and the gateway repeats. */
ISR(USART_RX_vect)
{
  uint8_t octet = UDR0;
  uint8_t next = (ring_in + 1) % RING;
  if (next == ring_out) return;
  ring[ring_in] = octet;
  ring_in = next;
}

static void start_uart(void)
{
  UBRR0 = (F_CPU / 4 / BAUD_RATE - 1) / 2;
  UCSR0A = _BV(U2X0);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

bool board_get(uint8_t *octet)
{
  if (ring_out == ring_in) return false;
  *octet = ring[ring_out];
  ring_out = (ring_out + 1) % RING;
  return true;
}

void board_put(uint8_t octet)
{
  loop_until_bit_is_set(UCSR0A, UDRE0);
  UDR0 = octet;
}

/* ------------------------------------------------------------------ sensor and light */

int16_t board_temperature(void)
{
  uint16_t sum = 0;
  ADMUX = _BV(REFS1) | _BV(REFS0) | _BV(MUX3); /* 1.1 V, temperature sensor */
  ADCSRA = _BV(ADEN) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
  _delay_ms(2); /* the reference settles */
  for (uint8_t i = 0; i < 9; i++) {
    ADCSRA |= _BV(ADSC);
    loop_until_bit_is_clear(ADCSRA, ADSC);
    if (i > 0) sum += ADC; /* the first one after the change of reference is no good */
  }
  ADCSRA = 0;
  /* 314 mV at 25 degrees, 1 mV a degree: the sum of 8 in tenths of a millivolt. */
  int16_t tenths = (int16_t)((uint32_t)sum * 11000 / 8192);
  return tenths - 3140 + 250 + TEMPERATURE_OFFSET;
}

void board_led(bool on)
{
  if (on) PORTB |= _BV(PORTB5);
  else PORTB &= (uint8_t)~_BV(PORTB5);
}

/* ------------------------------------------------------------------ saving power */

static volatile bool watchdog_barked;

ISR(WDT_vect)
{
  watchdog_barked = true;
}

/* The timer interrupts within a millisecond. */
void board_idle(void)
{
  set_sleep_mode(SLEEP_MODE_IDLE);
  sleep_mode();
}

/* 2^period seconds, by the watchdog's oscillator: within some 10 %. */
static void power_down_for(uint8_t period)
{
  watchdog_barked = false;
  wdt_enable(WDTO_1S + period);
  WDTCSR |= _BV(WDIE); /* interrupts the first time instead of resetting */
  set_sleep_mode(SLEEP_MODE_PWR_DOWN);
  cli();
  while (!watchdog_barked) {
    sleep_enable();
    sei(); /* takes effect after the next instruction, so that nothing comes between */
    sleep_cpu();
    sleep_disable();
    cli();
  }
  sei();
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
  {
    milliseconds += 1000ul << period;
  }
}

void board_power_down(uint16_t seconds)
{
  _delay_us(20e6 / BAUD_RATE + 1); /* the last two octets leave */
  UCSR0B = _BV(TXEN0); /* the transmitter holds the line at rest */
  TIMSK0 = 0;
  while (seconds > 0) {
    uint8_t period = seconds >= 8 ? 3 : seconds >= 4 ? 2 : seconds >= 2 ? 1 : 0;
    power_down_for(period);
    seconds -= (uint16_t)(1u << period);
  }
  wdt_disable();
  TIMSK0 = _BV(OCIE0A);
  ring_out = ring_in;
  start_uart();
}

int main(void)
{
  static const struct node_options options = {NODE_ID, 60, NODE_SLEEP, NODE_INTERVAL, NODE_RETRY};
  wdt_disable();
  power_spi_disable();
  power_twi_disable();
  power_timer1_disable();
  power_timer2_disable();
  DDRB = _BV(DDB5);
  start_clock();
  start_uart();
  sei();
  node_start(&options);
  for (;;) node_step();
}
