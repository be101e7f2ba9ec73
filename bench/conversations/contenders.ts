import { Mistral } from '@mistralai/mistralai';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { concat, filter, finalize, lastValueFrom, map, toArray } from 'rxjs';
import { conversation, tool } from 'rxmistral';

/** Holds a conversation of two turns with a tool in each, and gives the answers. */
export interface Contender {
  readonly title: string;
  readonly open: (serverURL: string) => () => Promise<readonly string[]>;
}

const model = 'mistral-small-latest';
const questions = ['How is the weather in Nantes?', 'And tomorrow?'];
const weatherOf = (city: string): { readonly city: string; readonly celsius: number } => ({ city, celsius: 21 });
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

export const contenders: Readonly<Record<string, Contender>> = {
  rxmistral: {
    title: '`conversation`, store in memory',
    open(serverURL) {
      const client = new MistralCore({ serverURL, apiKey: 'any' });
      const weather = tool({ name: 'weather', parameters, execute: ({ city }) => weatherOf(String(city)) });
      return () => {
        const chat = conversation(client, { model, tools: [weather] });
        const answers = concat(...questions.map((question) => chat.send(question))).pipe(
          filter((event) => event.type === 'turn-complete'),
          map(({ message }) => message.content as string),
          toArray(),
          finalize(() => { chat.close(); }),
        );
        return lastValueFrom(answers, { defaultValue: [] });
      };
    },
  },
  sdk: {
    title: 'the SDK, a loop by hand, nothing kept',
    open(serverURL) {
      const client = new Mistral({ serverURL, apiKey: 'any' });
      const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
      return async () => {
        const answers: string[] = [];
        let conversationId = '';
        for (const question of questions) {
          let inputs: Parameters<typeof client.beta.conversations.startStream>[0]['inputs'] = question;
          for (;;) {
            const stream: AsyncIterable<{ readonly data: { readonly type: string } }> = conversationId === ''
              ? await client.beta.conversations.startStream({ model, inputs, tools })
              : await client.beta.conversations.appendStream({ conversationId, conversationAppendStreamRequest: { inputs } });
            const calls = new Map<string, string>();
            let text = '';
            for await (const { data } of stream) {
              const event = data as Readonly<Record<string, unknown>>;
              if (data.type === 'conversation.response.started') conversationId = String(event['conversationId']);
              else if (data.type === 'message.output.delta') text += String(event['content']);
              else if (data.type === 'function.call.delta') {
                const id = String(event['toolCallId']);
                calls.set(id, (calls.get(id) ?? '') + String(event['arguments']));
              }
            }
            if (calls.size === 0) {
              answers.push(text);
              break;
            }
            inputs = [...calls].map(([toolCallId, given]) => ({
              type: 'function.result' as const,
              toolCallId,
              result: JSON.stringify(weatherOf((JSON.parse(given) as { readonly city: string }).city)),
            }));
          }
        }
        return answers;
      };
    },
  },
};
