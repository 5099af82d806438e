package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// source is a file that can be read from its start again and again.
type source struct {
	name string
	file fs.File
	data io.ReaderAt
	size int64
	// gzipped is known by the content, whatever the file is called.
	gzipped bool
	// read is how far the current stream has come, in bytes of the file.
	read atomic.Int64
}

func newSource(name string, file fs.File) (*source, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data, ok := file.(io.ReaderAt)
	if !ok || !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file; a data set may be read more than once, so write it to a file first")
	}
	s := &source{name: name, file: file, data: data, size: info.Size()}
	magic := make([]byte, 2)
	if _, err := data.ReadAt(magic, 0); err != nil && err != io.EOF {
		return nil, err
	}
	s.gzipped = string(magic) == "\x1f\x8b"
	return s, nil
}

// stream reads the content from the start, decompressed, and begins counting anew.
func (s *source) stream() (io.Reader, error) {
	s.read.Store(0)
	file := &countingReader{io.NewSectionReader(s.data, 0, s.size), &s.read}
	if !s.gzipped {
		return file, nil
	}
	unzipped, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	return unzipped, nil
}

func (s *source) close() error { return s.file.Close() }

type countingReader struct {
	io.Reader
	count *atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.count.Add(int64(n))
	return n, err
}

// sniff finds the format: Parquet by its magic, the others by the name, or else
// by how the first line begins.
func (s *source) sniff() (Format, error) {
	stream, err := s.stream()
	if err != nil {
		return "", err
	}
	start := make([]byte, 512)
	n, err := io.ReadFull(stream, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	start = start[:n]
	if bytes.HasPrefix(start, []byte("PAR1")) || bytes.HasPrefix(start, []byte("PARE")) {
		return Parquet, nil
	}
	base := strings.ToLower(path.Base(filepath.ToSlash(s.name)))
	switch path.Ext(strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".gzip")) {
	case ".parquet", ".pq":
		return "", errors.New("is called Parquet but does not begin with PAR1")
	case ".csv":
		return CSV, nil
	case ".ndjson", ".jsonl":
		return NDJSON, nil
	}
	switch first := bytes.TrimLeft(start, " \t\r\n\ufeff"); {
	case len(first) == 0:
		return "", errors.New("is empty")
	case first[0] == '{':
		return NDJSON, nil
	case first[0] == '[':
		return "", errors.New("is one JSON array; write one object a line instead, for example with jq -c '.[]'")
	default:
		return CSV, nil
	}
}
