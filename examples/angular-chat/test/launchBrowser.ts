import { type Browser, chromium } from 'playwright-core';

/** Debian's Chromium, or that of `CHROMIUM`. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    // What is scrolled is where it will be at once.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-smooth-scrolling'],
    timeout: 120_000,
  });
}
