"""What starts functions beside HTTP and orchestrations: timers, blobs, Service Bus messages."""
