import { isFields, type Fields } from './fieldChecks.js';
import { jsonFromSchema } from './jsonFromSchema.js';
import { hexDigits, type Random } from './random.js';
import type { ContentChunk } from './reply.js';

/** A tool that the server offers its models. */
export interface ServerTool {
  /** Its type, or a connector's id. */
  readonly name: string;
  /** Whether a person has to confirm each call. */
  readonly needsConfirmation: boolean;
}

const types: readonly unknown[] = ['web_search', 'web_search_premium', 'code_interpreter', 'image_generation', 'document_library', 'connector'];

/** The tools among those offered that run on the server. */
export function serverToolsIn(tools: unknown): readonly ServerTool[] {
  if (!Array.isArray(tools)) return [];
  return (tools as readonly unknown[]).filter(isFields).flatMap((tool): readonly ServerTool[] => {
    const { type, connector_id } = tool;
    if (!types.includes(type)) return [];
    const name = type === 'connector' ? connector_id : type;
    return typeof name === 'string' ? [{ name, needsConfirmation: asksBefore(tool, name) }] : [];
  });
}

/** The JSON text of what such a tool is called with. */
export function serverToolArguments(name: string, random: Random): string {
  const field = { code_interpreter: 'code', image_generation: 'prompt' }[name] ?? 'query';
  return JSON.stringify(jsonFromSchema({ type: 'object', properties: { [field]: { type: 'string' } }, required: [field] }, random));
}

/** What a tool leaves in the text of the answer: where it was found, or the file that was made. */
export function serverToolChunks(name: string, random: Random): readonly ContentChunk[] {
  if (name.startsWith('web_search')) {
    const page = random.text(8, hexDigits);
    return [{ type: 'tool_reference', tool: name, title: `Page ${page}`, url: `https://example.com/${page}` }];
  }
  if (name !== 'image_generation') return [];
  const file = random.text(8, hexDigits);
  return [{ type: 'tool_file', tool: name, file_id: file, file_name: `image_${file}`, file_type: 'png' }];
}

function asksBefore({ tool_configuration: configuration }: Fields, name: string): boolean {
  const asked = isFields(configuration) ? configuration['requires_confirmation'] : undefined;
  return Array.isArray(asked) && asked.includes(name);
}
