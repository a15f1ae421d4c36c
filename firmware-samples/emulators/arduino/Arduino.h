/*
 * As much of the Arduino API as the sketch uses, on POSIX.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

#define A0 17
#define LED_BUILTIN 2
#define LOW 0
#define HIGH 1
#define OUTPUT 1

uint32_t millis();
void delay(uint32_t ms);
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
int analogRead(uint8_t pin);

void setup();
void loop();

#endif
