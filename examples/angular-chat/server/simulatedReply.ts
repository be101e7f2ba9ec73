import type { CompletionBody, Reply } from 'rxmistral/simulator';

/** What the simulator says to the suggestions of the page, and to everything else. */
export function simulatedReply({ messages = [] }: CompletionBody): Reply {
  const last = messages.at(-1);
  const text = typeof last?.content === 'string' ? last.content : '';
  if (last?.role === 'tool') return weatherReport(text);
  if (/weather/i.test(text)) return { toolCalls: [{ name: 'get_weather', arguments: { city: cityIn(text) } }] };
  if (/bat|riddle|puzzle/i.test(text)) return puzzle;
  if (/code|function|debounce|typescript/i.test(text)) return { text: code };
  if (/backpressure/i.test(text)) return { text: backpressure };
  return { text: anything(text) };
}

const backpressure = `Think of a sink that drains slower than the tap runs.

You have three honest choices. You can **turn the tap down** until the drain keeps up: that is backpressure. You can put a **tank** between the two, which works for as long as the tank is larger than the longest rush. Or you can let some of it **run over the edge**, and say so.

What you cannot do is leave the tap open and hope. The water has to be somewhere: if it is not in the pipe and not in the tank, it is on the floor.

In a program the tap is a producer, the drain is a consumer, and the floor is memory. A good pipe knows how full it is, and tells the tap.`;

const puzzle: Reply = {
  thinking: `Let the ball cost x. Then the bat costs x + 1.00.

Together: x + (x + 1.00) = 1.10, so 2x = 0.10 and x = 0.05.

Check: 0.05 + 1.05 = 1.10, and the difference is 1.00. The quick answer, 0.10, would make the bat 1.10 and the sum 1.20.`,
  text: `The ball costs **5 cents**.

The bat costs one euro more, so 1.05, and together that is 1.10. Ten cents is the answer that comes to mind first, but then the bat would cost 1.10 and both together 1.20.`,
};

const code = `Here is a \`debounce\` in TypeScript: it calls the function once, when nothing has happened for a while.

\`\`\`typescript
export function debounce<Arguments extends readonly unknown[]>(
  action: (...values: Arguments) => void,
  wait: number,
): (...values: Arguments) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), wait);
  };
}
\`\`\`

Two things to know:

- Each call begins the wait **anew**, so a steady stream of calls never gets through.
- The last arguments win. Where the first should, use a *throttle* instead.`;

function weatherReport(result: string): Reply {
  try {
    const { city, unit, temperature, sky } = JSON.parse(result) as { city: string; unit: string; temperature: number; sky: string };
    return { text: `In ${city} it is **${temperature} °${unit === 'celsius' ? 'C' : 'F'}** with ${sky}. ${temperature < 10 ? 'Take a coat.' : 'A light jacket will do.'}` };
  } catch {
    return { text: 'The weather service has no answer for this place.' };
  }
}

function cityIn(question: string): string {
  return /\bin ([A-Z]\p{L}*(?: [A-Z]\p{L}*)*)/u.exec(question)?.[1] ?? 'Paris';
}

function anything(question: string): string {
  const quoted = question.length > 80 ? `${question.slice(0, 79)}…` : question;
  return `You asked: “${quoted}”

This answer comes from a simulator, which speaks Mistral's protocol and knows nothing of the world. Start the server with \`MISTRAL_API_KEY\` in its environment and the same page talks to Mistral.

What you can try here is the chat itself. Stop the answer in the middle. Switch your network off while the text is running, and on again: not a word is lost, and the model is not asked twice. Or ask one of the questions that the empty page suggests.`;
}
