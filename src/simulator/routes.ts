import { agentCompletionRoutes } from './agentCompletions.js';
import { agentRoutes } from './agents.js';
import { batchJobRoutes } from './batchJobs.js';
import { chatCompletionRoutes } from './chatCompletions.js';
import { classificationRoutes } from './classifications.js';
import { conversationRoutes } from './conversations.js';
import { embeddingRoutes } from './embeddings.js';
import { fileRoutes } from './files.js';
import { fimCompletionRoutes } from './fimCompletions.js';
import { modelRoutes } from './models.js';
import { moderationRoutes } from './moderations.js';
import { ocrRoutes } from './ocr.js';
import type { Route } from './route.js';
import { speechRoutes } from './speech.js';
import { transcriptionRoutes } from './transcriptions.js';

/** All endpoints. A new one is a file with its routes, and a line here. */
export const routes: readonly Route[] = [
  ...chatCompletionRoutes,
  ...agentCompletionRoutes,
  ...fimCompletionRoutes,
  ...embeddingRoutes,
  ...moderationRoutes,
  ...classificationRoutes,
  ...ocrRoutes,
  ...transcriptionRoutes,
  ...speechRoutes,
  ...agentRoutes,
  ...conversationRoutes,
  ...modelRoutes,
  ...fileRoutes,
  ...batchJobRoutes,
];

export type RouteMatch =
  | { readonly found: 'route'; readonly route: Route; readonly parameters: Readonly<Record<string, string>> }
  | { readonly found: 'path'; readonly methods: readonly string[] }
  | { readonly found: 'nothing' };

export function matchRoute(method: string, path: string): RouteMatch {
  const methods: string[] = [];
  for (const route of routes) {
    const parameters = matchPath(route.path, path);
    if (!parameters) continue;
    if (route.method === method) return { found: 'route', route, parameters };
    methods.push(route.method);
  }
  return methods.length > 0 ? { found: 'path', methods } : { found: 'nothing' };
}

function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const expected = pattern.split('/');
  const given = path.split('/');
  if (expected.length !== given.length) return undefined;
  const parameters: [string, string][] = [];
  for (const [i, segment] of expected.entries()) {
    const value = given[i] ?? '';
    if (segment.startsWith(':') && value !== '') parameters.push([segment.slice(1), decoded(value)]);
    else if (segment !== value) return undefined;
  }
  return Object.fromEntries(parameters);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
