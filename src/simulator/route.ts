import type { Answer } from './answer.js';
import type { RecordedRequest } from './recordedRequest.js';
import type { Simulation } from './simulation.js';
import type { Upload } from './upload.js';

/** What an endpoint is called with. */
export interface RouteRequest {
  readonly record: RecordedRequest;
  /** Parsed JSON or the fields of a form (see `RecordedRequest.body`), or `undefined` where there is none. */
  readonly body: unknown;
  /** The `:names` of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Where the route has `upload`. */
  readonly upload: Upload | undefined;
}

/** An endpoint: one method of one path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Such as `/v1/models/:id`; a `:name` stands for one segment. */
  readonly path: string;
  /** The body is a form whose file is put aside while it comes; bounded by `maxFileBytes`, and not by `maxBodyBytes`. */
  readonly upload?: true | undefined;
  /** Open to all, as a signed address is. */
  readonly keyless?: true | undefined;
  handle(request: RouteRequest, simulation: Simulation): Answer | Promise<Answer>;
}
