import { tool } from 'rxmistral';
import { z } from 'zod';

const climate: Readonly<Record<string, { readonly celsius: number; readonly sky: string }>> = {
  lisbon: { celsius: 24, sky: 'clear' },
  oslo: { celsius: 4, sky: 'light snow' },
  paris: { celsius: 17, sky: 'scattered clouds' },
  tokyo: { celsius: 21, sky: 'rain' },
};

/** What the model may call. The weather is made up. */
export const tools = [
  tool({
    name: 'get_weather',
    description: 'The weather of a city, now.',
    parameters: z.object({ city: z.string(), unit: z.enum(['celsius', 'fahrenheit']).default('celsius') }),
    execute: ({ city, unit }) => {
      const { celsius, sky } = climate[city.toLowerCase()] ?? { celsius: 18, sky: 'fair' };
      return { city, unit, temperature: unit === 'celsius' ? celsius : Math.round(celsius * 1.8 + 32), sky };
    },
  }),
];
