"""AWS protocols and signatures; knows nothing of Beanstalk."""
