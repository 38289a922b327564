"""Which GPIO carries what; hardware/make_pins.py writes it from hardware/pinout.toml.

Numbers are GP numbers of the RP2040, not positions on the header.
"""

READER_SCK = 18
READER_MOSI = 19
READER_MISO = 16
READER_SS = 17
READER_RST = 20
I2C_SDA = 4
I2C_SCL = 5
BUZZER = 10
RING = 11
RELAY = 14
PASSAGE = 15
FIRE = 12
TAMPER = 13
BUTTON_IN = 6
BUTTON_OUT = 7
BUTTON_RECOVERY = 8
SUPPLY_ADC = 26
TEMPERATURE_ADC = 27

READER_SPI = 0
"""number of the reader's SPI"""
I2C = 0
"""number of the I2C of display and clock"""
OLED_ADDRESS = 0x3C
"""SSD1306, 7-bit address"""
RTC_ADDRESS = 0x68
"""DS3231, 7-bit address"""
RING_PIXELS = 12
"""lamps of the ring"""
ADC_REFERENCE_MV = 3300
"""of both ADC inputs, full scale is 65535"""
SUPPLY_DIVIDER_NUM = 2
"""supply in mV = reading * ADC_REFERENCE_MV * NUM // (65535 * DEN)"""
SUPPLY_DIVIDER_DEN = 1
"""(R9 + R10) / R10 = NUM / DEN"""
TEMPERATURE_ZERO_MV = 500
"""MCP9700A at 0 degrees Celsius"""
TEMPERATURE_MV_PER_DEGREE = 10
"""MCP9700A, per degree Celsius"""
