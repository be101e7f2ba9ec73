import { jsonAnswer } from './answer.js';
import { errorBody } from './errorBodies.js';
import type { Route } from './route.js';

interface ModelTraits {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly capabilities: readonly string[];
  readonly contextLength: number;
}

const chat = ['completion_chat', 'function_calling'];

// A plausible choice, one of each kind. Any other name works in completions as well.
const models: readonly ModelTraits[] = [
  { id: 'mistral-large-latest', aliases: ['mistral-large-2411'], capabilities: [...chat, 'vision'], contextLength: 131_072 },
  { id: 'mistral-medium-latest', aliases: ['mistral-medium-2508'], capabilities: [...chat, 'vision'], contextLength: 131_072 },
  { id: 'mistral-small-latest', aliases: ['mistral-small-2506'], capabilities: [...chat, 'vision'], contextLength: 131_072 },
  { id: 'magistral-medium-latest', aliases: ['magistral-medium-2509'], capabilities: [...chat, 'reasoning'], contextLength: 131_072 },
  { id: 'codestral-latest', aliases: ['codestral-2508'], capabilities: [...chat, 'completion_fim'], contextLength: 262_144 },
  { id: 'mistral-embed', aliases: ['mistral-embed-2312'], capabilities: [], contextLength: 8_192 },
  { id: 'mistral-moderation-latest', aliases: ['mistral-moderation-2411'], capabilities: ['moderation'], contextLength: 8_192 },
  { id: 'mistral-ocr-latest', aliases: ['mistral-ocr-2505'], capabilities: ['ocr'], contextLength: 16_384 },
  { id: 'voxtral-mini-latest', aliases: ['voxtral-mini-2507'], capabilities: ['completion_chat', 'audio', 'audio_transcription'], contextLength: 32_768 },
  { id: 'voxtral-tts-latest', aliases: [], capabilities: ['audio_speech'], contextLength: 4_096 },
];

/** `GET /v1/models` and `GET /v1/models/:id`. */
export const modelRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/models',
    handle: () => jsonAnswer(200, { object: 'list', data: models.map(modelCard) }),
  },
  {
    method: 'GET',
    path: '/v1/models/:id',
    handle({ parameters }) {
      const id = parameters['id'] ?? '';
      const model = models.find((each) => each.id === id || each.aliases.includes(id));
      if (model) return jsonAnswer(200, modelCard({ ...model, id }));
      return jsonAnswer(404, errorBody(`Model not found: ${id}`, 'invalid_model', '1500'));
    },
  },
];

function modelCard({ id, aliases, capabilities, contextLength }: ModelTraits): object {
  const known = ['completion_chat', 'function_calling', 'reasoning', 'completion_fim', 'fine_tuning', 'vision', 'ocr', 'classification', 'moderation', 'audio', 'audio_transcription', 'audio_speech'];
  return {
    id,
    object: 'model',
    created: 1_735_689_600,
    owned_by: 'mistralai',
    capabilities: Object.fromEntries(known.map((name) => [name, capabilities.includes(name)])),
    name: id,
    description: `The simulator's ${id}.`,
    max_context_length: contextLength,
    aliases,
    deprecation: null,
    default_model_temperature: capabilities.includes('completion_chat') ? 0.3 : null,
    type: 'base',
  };
}
