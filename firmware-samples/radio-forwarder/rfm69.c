/*
 * An RFM69 in packet mode on the SPI of an ATmega328P: chip select PB2, no interrupt line. GFSK of
 * 55.5 kBit/s; a packet is length, receiver, sender, message; the chip checks CRC and address.
 *
 * SPDX-License-Identifier: MIT
 */
#include "radio.h"

#include <avr/io.h>
#include <avr/pgmspace.h>
#include <util/delay.h>

#ifndef RADIO_KHZ
#define RADIO_KHZ 868300ul
#endif
/* 0x9F: RFM69W and CW at 13 dBm; 0x5F: RFM69HW and HCW at 13 dBm. */
#ifndef RADIO_POWER
#define RADIO_POWER 0x9F
#endif

enum {
  REG_FIFO = 0x00,
  REG_OP_MODE = 0x01,
  REG_VERSION = 0x10,
  REG_RSSI_VALUE = 0x24,
  REG_IRQ_FLAGS_1 = 0x27,
  REG_IRQ_FLAGS_2 = 0x28,
  REG_SYNC_VALUE_2 = 0x30,
  REG_NODE_ADDRESS = 0x39
};

enum { STANDBY = 1 << 2, TRANSMIT = 3 << 2, RECEIVE = 4 << 2, MODE_READY = 0x80 };
enum { PAYLOAD_READY = 0x04, PACKET_SENT = 0x08, VERSION = 0x24 };

/* Receiver and sender, in front of the message. */
enum { ADDRESSES = 2 };

/* -85 dBm in half decibels: more than that on the channel is somebody else. */
enum { CHANNEL_FREE = 170, WAIT_FOR_CHANNEL = 50, WAIT_FOR_MODE = 100, WAIT_FOR_PACKET = 250 };

#define FREQUENCY (RADIO_KHZ * 2048ul / 125ul) /* in steps of 32 MHz / 2^19 */

/* Registers that are not as they come, with their values. */
static const uint8_t settings[][2] PROGMEM = {
    {0x02, 0x01}, /* packets, GFSK */
    {0x03, 0x02}, {0x04, 0x40}, /* 32 MHz / 576 */
    {0x05, 0x03}, {0x06, 0x33}, /* deviation of 50 kHz */
    {0x07, FREQUENCY >> 16 & 0xFF}, {0x08, FREQUENCY >> 8 & 0xFF}, {0x09, FREQUENCY & 0xFF},
    {0x11, RADIO_POWER},
    {0x19, 0x42}, /* receiver's bandwidth 125 kHz */
    {0x29, 0xDC}, /* hears from -110 dBm */
    {0x2E, 0x88}, {0x2F, 0x2D}, /* two octets to synchronise on, the second is the network */
    {0x37, 0xD4}, /* variable length, whitened, CRC, own address and everyone's */
    {0x38, RADIO_LONGEST + ADDRESSES},
    {0x3A, 0xFF}, /* everyone */
    {0x3C, 0x8F}, /* sends from the first octet on */
    {0x3D, 0x02}, /* goes on receiving by itself */
    {0x6F, 0x30}, /* as the data sheet has it for this deviation */
};

static uint8_t exchange(uint8_t octet)
{
  SPDR = octet;
  loop_until_bit_is_set(SPSR, SPIF);
  return SPDR;
}

static void select_chip(void)
{
  PORTB &= (uint8_t)~_BV(PORTB2);
}

static void release_chip(void)
{
  PORTB |= _BV(PORTB2);
}

static uint8_t read_register(uint8_t address)
{
  select_chip();
  exchange(address);
  uint8_t value = exchange(0);
  release_chip();
  return value;
}

static void write_register(uint8_t address, uint8_t value)
{
  select_chip();
  exchange(address | 0x80);
  exchange(value);
  release_chip();
}

/* Waits, so many times 100 us at most, until one of the bits is set. */
static bool await(uint8_t address, uint8_t bits, uint8_t most)
{
  while ((read_register(address) & bits) == 0) {
    if (most-- == 0) return false;
    _delay_us(100);
  }
  return true;
}

static bool change_mode(uint8_t mode)
{
  write_register(REG_OP_MODE, mode);
  return await(REG_IRQ_FLAGS_1, MODE_READY, WAIT_FOR_MODE);
}

bool radio_start(uint8_t network, uint8_t node)
{
  PORTB |= _BV(PORTB2);
  DDRB |= _BV(DDB2) | _BV(DDB3) | _BV(DDB5);
  SPCR = _BV(SPE) | _BV(MSTR); /* 4 MHz, mode 0 */
  if (read_register(REG_VERSION) != VERSION || !change_mode(STANDBY)) return false;
  for (uint8_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    write_register(pgm_read_byte(&settings[i][0]), pgm_read_byte(&settings[i][1]));
  }
  write_register(REG_SYNC_VALUE_2, network);
  write_register(REG_NODE_ADDRESS, node);
  return change_mode(RECEIVE);
}

/* Politeness, not certainty: after a while it sends anyway, and who is not answered repeats. */
static void wait_for_channel(void)
{
  for (uint8_t i = 0; i < WAIT_FOR_CHANNEL; i++) {
    if (read_register(REG_RSSI_VALUE) > CHANNEL_FREE) return;
    _delay_us(200);
  }
}

static bool has_packet(void)
{
  return (read_register(REG_IRQ_FLAGS_2) & PAYLOAD_READY) != 0;
}

bool radio_send(uint8_t to, const uint8_t *message, uint8_t length)
{
  if (length > RADIO_LONGEST) return true; /* it never can be */
  wait_for_channel();
  change_mode(STANDBY);
  /* From here on none comes in, and both ways share one FIFO. */
  if (has_packet()) return false;
  uint8_t from = read_register(REG_NODE_ADDRESS);
  select_chip();
  exchange(REG_FIFO | 0x80);
  exchange(length + ADDRESSES);
  exchange(to);
  exchange(from);
  for (uint8_t i = 0; i < length; i++) exchange(message[i]);
  release_chip();
  write_register(REG_OP_MODE, TRANSMIT);
  await(REG_IRQ_FLAGS_2, PACKET_SENT, WAIT_FOR_PACKET);
  change_mode(RECEIVE);
  return true;
}

uint8_t radio_receive(uint8_t *from, uint8_t *message)
{
  if (!has_packet()) return 0;
  select_chip();
  exchange(REG_FIFO);
  uint8_t length = exchange(0);
  bool fits = length > ADDRESSES && length <= RADIO_LONGEST + ADDRESSES;
  uint8_t message_length = 0;
  if (fits) {
    exchange(0); /* the receiver: this radio or everyone */
    *from = exchange(0);
    message_length = length - ADDRESSES;
    for (uint8_t i = 0; i < message_length; i++) message[i] = exchange(0);
  }
  release_chip();
  /* On the way from standby the FIFO is emptied of what cannot be understood. */
  if (!fits) change_mode(STANDBY);
  change_mode(RECEIVE);
  return message_length;
}
