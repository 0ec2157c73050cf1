import type { JobPlan } from "./rules.ts";

/** The jobs, for whoever asks for one and may not know how they work. */
export interface JobRunner {
  plans: readonly JobPlan[];
  /** Works on the open run for one period until it is done or its time is up. */
  work(plan: JobPlan, period: string): Promise<void>;
}
