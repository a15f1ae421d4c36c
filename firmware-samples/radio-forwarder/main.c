/*
 * A USB stick for a gateway: an ATmega328P with an RFM69 radio behind a USB serial chip, as a JeeLink
 * or a Moteino is. What nodes send by radio goes to the gateway in forwarder encapsulation, and back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "forwarder.h"
#include "radio.h"
#include "slip.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>

#ifndef RADIO_NETWORK
#define RADIO_NETWORK 1
#endif
#ifndef RADIO_NODE
#define RADIO_NODE 1
#endif
#ifndef BAUD_RATE
#define BAUD_RATE 57600
#endif

/* ------------------------------------------------------------------ serial line */

enum { RING = 256 };

static volatile uint8_t ring[RING];
static volatile uint8_t ring_in;
static volatile uint8_t ring_out;

/* What comes while the radio sends waits here; what does not fit is lost and will be repeated. */
ISR(USART_RX_vect)
{
  uint8_t octet = UDR0;
  uint8_t next = ring_in + 1;
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

static void put(uint8_t octet)
{
  loop_until_bit_is_set(UCSR0A, UDRE0);
  UDR0 = octet;
}

/* ------------------------------------------------------------------ both ways */

static void from_radio(void)
{
  static uint8_t frame[FORWARDER_HEADER + RADIO_LONGEST];
  uint8_t node;
  uint8_t length = radio_receive(&node, frame + FORWARDER_HEADER);
  if (length == 0 || !forwarder_is_message(frame + FORWARDER_HEADER, length)) return;
  forwarder_wrap(node, frame);
  slip_write(frame, FORWARDER_HEADER + length, true, put);
}

static void from_gateway(void)
{
  static struct slip_reader reader = {.checked = true};
  static uint8_t frame[FORWARDER_HEADER + RADIO_LONGEST + 2];
  static struct forwarded forwarded;
  static bool waits; /* until the radio has given what it received */
  while (!waits && ring_out != ring_in) {
    uint8_t octet = ring[ring_out];
    ring_out++;
    uint16_t length = slip_read(&reader, octet, frame, sizeof frame);
    waits = length > 0 && forwarder_unwrap(frame, length, &forwarded);
  }
  if (!waits) return;
  waits = !radio_send(forwarded.node, forwarded.message, (uint8_t)forwarded.length);
}

int main(void)
{
  wdt_enable(WDTO_2S); /* without a radio the stick starts again, until there is one */
  start_uart();
  sei();
  while (!radio_start(RADIO_NETWORK, RADIO_NODE)) continue;
  for (;;) {
    wdt_reset();
    from_radio();
    from_gateway();
  }
}
