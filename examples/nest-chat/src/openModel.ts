import { MistralCore } from '@mistralai/mistralai/core.js';
import { type Simulator, startSimulator } from 'rxmistral/simulator';

/** Where answers come from. */
export interface Model {
  readonly client: MistralCore;
  /** The embedded server, where there is no key. */
  readonly simulator: Simulator | undefined;
}

/** Mistral, with the key in MISTRAL_API_KEY; without one a simulator in this process. */
export async function openModel(): Promise<Model> {
  const { MISTRAL_API_KEY: apiKey = '' } = process.env;
  if (apiKey !== '') return { client: new MistralCore({ apiKey }), simulator: undefined };
  const simulator = await startSimulator({ tokensPerSecond: 100 });
  return { client: new MistralCore({ apiKey: 'any', serverURL: simulator.url }), simulator };
}
