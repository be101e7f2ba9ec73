import type { Page } from 'playwright-core';

/** The texts on the page that stand out from what is behind them by less than WCAG's AA wants: 4.5, or 3 for large ones. */
export function contrastFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Colour = [red: number, green: number, blue: number, alpha: number];
    const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    // Whatever notation the style has.
    const read = (style: string): Colour => {
      pixel.clearRect(0, 0, 1, 1);
      pixel.fillStyle = style;
      pixel.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = pixel.getImageData(0, 0, 1, 1).data;
      return [red, green, blue, alpha / 255];
    };
    const over = ([r, g, b, a]: Colour, [R, G, B]: Colour): Colour => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
    const behind = (element: Element | null): Colour => {
      if (element === null) return [255, 255, 255, 1];
      const colour = read(getComputedStyle(element).backgroundColor);
      return colour[3] === 1 ? colour : over(colour, behind(element.parentElement));
    };
    const luminance = ([red, green, blue]: Colour): number => {
      const linear = (value: number) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    };

    const faults: string[] = [];
    let seen = 0;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const element = node.parentElement!;
      const style = getComputedStyle(element);
      // What is disabled is exempt.
      if (node.textContent!.trim() === '' || !element.checkVisibility() || element.closest('.hidden, :disabled') !== null) continue;
      seen += 1;
      const ground = behind(element);
      const [light = 0, dark = 0] = [luminance(ground), luminance(over(read(style.color), ground))].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (contrast < (isLarge ? 3 : 4.5)) faults.push(`${contrast.toFixed(2)} ${style.color} on ${ground.map(Math.round).join(' ')}: ${node.textContent!.trim().slice(0, 40)}`);
    }
    return seen === 0 ? ['no text at all'] : faults;
  });
}
