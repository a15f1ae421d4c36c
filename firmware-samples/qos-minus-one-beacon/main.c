/*
 * A coin cell's voltage, every few minutes, from an ATtiny85 that is never connected: PUBLISH at
 * QoS -1 on a predefined topic id (MQTT-SN 1.2 section 6.8), over one wire into a serial adapter or
 * a transparent radio module. It needs none of the library.
 *
 * SPDX-License-Identifier: MIT
 */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/power.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

/* Each beacon has its own; Midge names it by [[predefined_topic]]. */
#ifndef TOPIC_ID
#define TOPIC_ID 1
#endif
/* Times 8 s between two messages. */
#ifndef PERIODS
#define PERIODS 38
#endif
/* As WDP3..0 of the data sheet has it: 9 is 8 s. */
#ifndef PERIOD
#define PERIOD WDTO_8S
#endif
#ifndef BAUD_RATE
#define BAUD_RATE 9600
#endif

enum { END = 0xC0, ESC = 0xDB };

/* The pin of the line: idle is high. */
enum { LINE = PB0 };

/* The timer wakes nobody: each bit waits for its flag. */
static void put_raw(uint8_t octet)
{
  uint16_t bits = (uint16_t)(0x200 | (uint16_t)octet << 1); /* start bit, octet, stop bit */
  TCNT0 = 0;
  TIFR = _BV(OCF0A);
  for (; bits != 0; bits >>= 1) {
    if (bits & 1) PORTB |= _BV(LINE);
    else PORTB &= (uint8_t)~_BV(LINE);
    loop_until_bit_is_set(TIFR, OCF0A);
    TIFR = _BV(OCF0A);
  }
}

static void put(uint8_t octet)
{
  if (octet == END || octet == ESC) {
    put_raw(ESC);
    octet = octet == END ? 0xDC : 0xDD;
  }
  put_raw(octet);
}

static void put_digits(uint16_t number)
{
  uint8_t digits[4];
  for (uint8_t i = 4; i > 0; number /= 10) digits[--i] = (uint8_t)('0' + number % 10);
  for (uint8_t i = 0; i < 4; i++) put(digits[i]);
}

/* In millivolts: the reference of 1.1 V measured against the cell. */
static uint16_t voltage(void)
{
  uint16_t sample = 0;
  power_adc_enable();
  ADMUX = _BV(MUX3) | _BV(MUX2);
  ADCSRA = _BV(ADEN) | _BV(ADPS1) | _BV(ADPS0);
  for (uint8_t i = 0; i < 8; i++) { /* the last one: the reference has settled by then */
    ADCSRA |= _BV(ADSC);
    loop_until_bit_is_clear(ADCSRA, ADSC);
    sample = ADC;
  }
  ADCSRA = 0;
  power_adc_disable();
  return (uint16_t)(1100ul * 1024 / (sample == 0 ? 1 : sample));
}

static void publish(uint16_t millivolts)
{
  put_raw(END);
  put(7 + 4); /* length */
  put(0x0C);  /* PUBLISH */
  put(0x61);  /* QoS -1, predefined topic id */
  put(TOPIC_ID >> 8);
  put(TOPIC_ID & 0xFF);
  put(0); /* message id: none */
  put(0);
  put_digits(millivolts);
  put_raw(END);
}

EMPTY_INTERRUPT(WDT_vect)

/* The watchdog interrupts again and again; all else is off. */
static void wait(void)
{
  for (uint8_t i = 0; i < PERIODS; i++) {
    wdt_reset();
    WDTCR |= _BV(WDIE);
    sleep_mode();
  }
}

int main(void)
{
  PORTB = (uint8_t)~0; /* no pin floats; the line rests high */
  DDRB = _BV(LINE);
  TCCR0A = _BV(WGM01);
  TCCR0B = _BV(CS00);
  OCR0A = (uint8_t)(F_CPU / BAUD_RATE - 1);
  power_timer1_disable();
  power_usi_disable();
  set_sleep_mode(SLEEP_MODE_PWR_DOWN);
  wdt_enable(PERIOD);
  sei();
  for (;;) {
    publish(voltage());
    wait();
  }
}
