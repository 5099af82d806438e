package simulation

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A pipe is one direction of a connection: bytes in memory. What is written
// waits without bound, so a writer never blocks, as with a socket whose buffers
// are large.
type pipe struct {
	mu      sync.Mutex
	changed *sync.Cond
	data    []byte // guarded by mu
	ended   bool   // both ends know that nothing more comes; guarded by mu
	severed side   // who alone has noticed that the other is gone; guarded by mu
	late    bool   // the reader's deadline has passed; guarded by mu
	timer   *time.Timer
}

// side is an end of a pipe.
type side int

const (
	nobody side = iota
	readerSide
	writerSide
)

func newPipe() *pipe {
	p := &pipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.data) == 0 && !p.ended && p.severed != readerSide && !p.late {
		p.changed.Wait()
	}
	switch {
	case p.severed == readerSide:
		return 0, io.EOF
	case len(p.data) > 0:
		n := copy(b, p.data)
		p.data = p.data[n:]
		return n, nil
	case p.ended:
		return 0, io.EOF
	}
	return 0, os.ErrDeadlineExceeded
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended, p.severed == writerSide:
		return 0, io.ErrClosedPipe
	case p.severed == readerSide:
		return len(b), nil
	}
	p.data = append(p.data, b...)
	p.changed.Broadcast()
	return len(b), nil
}

// sever ends the pipe for one side; the other one hears nothing of it.
func (p *pipe) sever(noticed side) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.severed = noticed
	p.changed.Broadcast()
}

// end closes the direction. What has not been read yet is lost with drop.
func (p *pipe) end(drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if drop {
		p.data = nil
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.changed.Broadcast()
}

func (p *pipe) deadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.late = !t.IsZero() && !t.After(time.Now())
	if p.late {
		p.changed.Broadcast()
	} else if !t.IsZero() && !p.ended {
		var own *time.Timer
		own = time.AfterFunc(time.Until(t), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.timer == own { // not replaced meanwhile
				p.late = true
				p.changed.Broadcast()
			}
		})
		p.timer = own
	}
}

// A conn is one end of a connection.
type conn struct {
	in, out *pipe
	severed atomic.Bool // closing it tells the other end nothing
}

// connect makes both ends of a connection.
func connect() (client, server *conn) {
	up, down := newPipe(), newPipe()
	return &conn{in: down, out: up}, &conn{in: up, out: down}
}

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }
func (c *conn) Close() error {
	if c.severed.Load() {
		return nil
	}
	c.in.end(true)
	c.out.end(false)
	return nil
}

// sever ends the connection for this end alone, as when a machine or the network
// is gone: nobody tells the other.
func (c *conn) sever() {
	c.severed.Store(true)
	c.in.sever(readerSide)
	c.out.sever(writerSide)
}

func (c *conn) LocalAddr() net.Addr                { return address("127.0.0.1:1") }
func (c *conn) RemoteAddr() net.Addr               { return address("127.0.0.1:2") }
func (c *conn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.deadline(t); return nil }
func (c *conn) SetWriteDeadline(_ time.Time) error { return nil }

// A listener takes the connections of one broker.
type listener struct {
	address string
	queue   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address(l.address) }

// brokers are the listeners by their addresses.
type brokers struct {
	mu        sync.Mutex
	listeners map[string]*listener // guarded by mu
}

func (b *brokers) listen(_, address string) (net.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &listener{address: address, queue: make(chan net.Conn), closed: make(chan struct{})}
	b.listeners[address] = l
	return l, nil
}

func (b *brokers) dial(ctx context.Context, _, address string) (*conn, error) {
	b.mu.Lock()
	l := b.listeners[address]
	b.mu.Unlock()
	if l == nil {
		return nil, errRefused
	}
	client, server := connect()
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errRefused = errors.New("connection refused")

// peer names whom an instance talks to.
type peer int

const (
	kafkaPeer peer = iota
	redisPeer
	peers // how many there are
)

func (p peer) String() string { return [...]string{"Kafka", "Redis"}[p] }

// A link is all that one instance has of the network: every connection of it
// passes through here, and can be cut, frozen or robbed of a reply.
type link struct {
	mu      sync.Mutex
	changed *sync.Cond
	frozen  bool                          // the whole instance stands still; guarded by mu
	down    [peers]bool                   // nothing reaches the peer; guarded by mu
	rob     [peers]int                    // so many of the next replies are lost; guarded by mu
	conns   [peers]map[*instanceConn]bool // guarded by mu
}

func newLink() *link {
	l := &link{}
	l.changed = sync.NewCond(&l.mu)
	for i := range l.conns {
		l.conns[i] = make(map[*instanceConn]bool)
	}
	return l
}

// dialer makes the instance's way of reaching a peer.
func (l *link) dialer(to peer, dial func(ctx context.Context, network, address string) (*conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		l.whileFrozen()
		l.mu.Lock()
		down := l.down[to]
		l.mu.Unlock()
		if down {
			// The Kafka client tries again at once to get a producer's id, and a bubble's
			// clock stands still while it is busy.
			select {
			case <-time.After(20 * time.Millisecond):
				return nil, errRefused
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		inner, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &instanceConn{Conn: inner, end: inner, link: l, to: to}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.down[to] {
			_ = inner.Close()
			return nil, errRefused
		}
		l.conns[to][c] = true
		return c, nil
	}
}

func (l *link) whileFrozen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.frozen {
		l.changed.Wait()
	}
}

func (l *link) freeze(frozen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = frozen
	l.changed.Broadcast()
}

// cut ends all connections to a peer. While down, new ones are refused, and the
// peer is not told that the old ones are gone.
func (l *link) cut(to peer, down bool) {
	l.mu.Lock()
	l.down[to] = down
	var open []*instanceConn
	for c := range l.conns[to] {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		if down {
			c.end.sever()
		} else {
			_ = c.Close()
		}
	}
}

// restore lets new connections to a peer through.
func (l *link) restore(to peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down[to] = false
}

// kill cuts the instance off for good.
func (l *link) kill() {
	l.freeze(false)
	for to := range peers {
		l.cut(to, true)
	}
}

// loseReply loses the next reply of a peer, and the connection with it: the
// request has been executed.
func (l *link) loseReply(from peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rob[from]++
}

// robbed reports whether this reply is to be lost.
func (l *link) robbed(from peer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rob[from] == 0 {
		return false
	}
	l.rob[from]--
	return true
}

// instanceConn is a connection of an instance.
type instanceConn struct {
	net.Conn
	end  *conn
	link *link
	to   peer
}

func (c *instanceConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.link.whileFrozen()
	if err == nil && c.link.robbed(c.to) {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

func (c *instanceConn) Write(b []byte) (int, error) {
	c.link.whileFrozen()
	return c.Conn.Write(b)
}

func (c *instanceConn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns[c.to], c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}
