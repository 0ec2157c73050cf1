export interface UploadRequest {
  /** Where the file goes: `image/<uid>/cover/<id>.jpg`; lower letters, digits, `-`, `_`, `/`, `.` */
  key: string;
  /** The upload must carry exactly this `Content-Type`; absent: none is asked for. */
  contentType?: string;
  expiresInMs: number;
  /** The address the caller reached us at, for a storage that has none of its own. */
  origin: string;
}

export interface UploadGrant {
  /** Whoever has it may `PUT` one file there until it runs out. */
  uploadUrl: string;
  publicUrl: string;
}

/** A file that came to us, and how it is given out. */
export interface GivenFile {
  key: string;
  contentType: string;
  /** Browsers keep it instead of showing it. */
  isAttachment: boolean;
  content: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Keeps what people upload: from their phones directly, or by way of us. */
export interface Storage {
  /** Makes the grant without asking anybody: a signature is all it takes. */
  signPut(request: UploadRequest): UploadGrant;
  /** Keeps a file, all of it or nothing; throws what its content throws. */
  put(file: GivenFile): Promise<void>;
  /** Where anybody reads what is kept under a key. */
  publicUrlOf(file: { key: string; origin: string }): string;
}
